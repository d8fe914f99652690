import { CircleAlert, CircleCheck, CircleDashed, Ruler } from 'lucide-react'
import type { TransferView, Verification } from '../../../server/domain/transfer.ts'
import { evidenceWords } from '../../../server/domain/verification-words.ts'
import { CopyButton } from '../ui/copy-button.tsx'
import { isSkipped } from './transfer-summary.ts'
import { evidenceAgrees, evidenceValue, verdictWords } from './verification-words.ts'

const LOOKS = {
  verified: { icon: CircleCheck, colour: 'text-success' },
  'size-only': { icon: Ruler, colour: 'text-warning' },
  mismatch: { icon: CircleAlert, colour: 'text-destructive' },
  pending: { icon: CircleDashed, colour: 'text-dim' },
} as const

/** The verdict on the object, and what it rests on: both sides of every comparison, to be read and copied. */
export function VerificationPanel(props: { verification: Verification; transfer: Pick<TransferView, 'warnings'> }) {
  const { verification } = props
  const { title, sentence } = verdictWords(verification, isSkipped(props.transfer))
  const { icon: Icon, colour } = LOOKS[verification.verdict]
  return (
    <div className="py-3">
      <p className="flex items-center gap-2 font-medium">
        <Icon aria-hidden className={`size-4 shrink-0 ${colour}`} />
        {title}
      </p>
      <p className="mt-1 text-muted-foreground">{sentence}</p>
      <ul className="mt-2 grid gap-2">
        {verification.evidence.map((evidence) => {
          const agrees = evidenceAgrees(evidence)
          const value = evidenceValue(evidence, evidence.actual ?? evidence.expected)
          return (
            <li className="border-t pt-2" key={`${evidence.kind}${evidence.algorithm ?? ''}${value ?? ''}`}>
              <span className="flex items-center justify-between gap-2">
                {evidenceWords(evidence)}
                <span className={agrees === false ? 'text-destructive' : 'text-dim'}>
                  {agrees === null ? '' : agrees ? 'equal' : 'differs'}
                </span>
              </span>
              {agrees === false ? (
                <>
                  <Value text={evidenceValue(evidence, evidence.expected)} word="expected" />
                  <Value text={evidenceValue(evidence, evidence.actual)} word="found" />
                </>
              ) : (
                <Value text={value} word="" />
              )}
            </li>
          )
        })}
      </ul>
    </div>
  )
}

function Value({ text, word }: { text: string | undefined; word: string }) {
  if (!text) return null
  return (
    <span className="flex items-center gap-1 text-muted-foreground text-xs">
      {word && <span className="w-14 shrink-0">{word}</span>}
      <span className="num min-w-0 break-all">{text}</span>
      <CopyButton label="Copy the value" text={text} />
    </span>
  )
}
