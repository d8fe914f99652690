import { Check, X } from 'lucide-react'
import type { Failure } from '../../../server/domain/failure.ts'
import type { BucketAnswer } from '../../../server/domain/inspection.ts'
import { Callout } from '../ui/callout.tsx'

/** What a test of a bucket is doing or has found. */
export type TestState =
  | { kind: 'none' }
  | { kind: 'running' }
  | { kind: 'answered'; answer: BucketAnswer }
  | { kind: 'failed'; failure: Failure }

/** What was tried on a bucket, one line each; `folded` leads with the verdict where there is little room. */
export function BucketChecks({ test, folded }: { test: TestState; folded?: boolean }) {
  if (test.kind === 'none') return null
  if (test.kind === 'running')
    return (
      <p role="status" className="rounded-md bg-muted px-3 py-2 text-muted-foreground">
        An engine writes a small object, reads it back and deletes it. This takes a few seconds.
      </p>
    )
  if (test.kind === 'failed')
    return (
      <Callout tone="destructive" title="The bucket does not work like this.">
        {test.failure.message}
      </Callout>
    )
  if (folded && isGood(test))
    return (
      <Callout tone="success" title="The bucket works.">
        <span role="status">All {test.answer.checks.length} checks passed.</span>
        <details className="mt-1">
          <summary className="focus-ring w-fit rounded-sm text-link">What was tried</summary>
          <CheckList checks={test.answer.checks} />
        </details>
        {test.answer.warnings.map((warning) => (
          <p key={warning.code} className="mt-1">
            {warning.message}
          </p>
        ))}
      </Callout>
    )
  return (
    <div role="status" className="rounded-md border">
      <CheckList checks={test.answer.checks} />
      {test.answer.warnings.map((warning) => (
        <Callout key={warning.code} tone="warning" className="rounded-t-none">
          {warning.message}
        </Callout>
      ))}
    </div>
  )
}

function CheckList({ checks }: Pick<BucketAnswer, 'checks'>) {
  return (
    <ul>
      {checks.map((check) => (
        <li key={check.name} className="flex gap-2 border-b px-3 py-1.5 last:border-b-0">
          {check.passed ? (
            <Check className="mt-0.5 size-4 shrink-0 text-success" aria-label="Passed:" />
          ) : (
            <X className="mt-0.5 size-4 shrink-0 text-destructive" aria-label="Failed:" />
          )}
          <span className="min-w-0 break-words">
            <span className="font-medium">{check.name}</span>{' '}
            <span className="text-muted-foreground">{check.message}</span>
          </span>
        </li>
      ))}
    </ul>
  )
}

/** Whether every check passed. */
export function isGood(test: TestState): boolean {
  return test.kind === 'answered' && test.answer.checks.every((check) => check.passed)
}
