'use client'

import { Ellipsis, Pencil, Plug, TimerReset, Trash2 } from 'lucide-react'
import Link from 'next/link'
import { useState } from 'react'
import type { BucketView } from '../../../server/domain/bucket.ts'
import { LIFECYCLE_DAYS } from '../../../server/domain/inspection.ts'
import { listHref } from '../transfers/list-params.ts'
import { Badge } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { cn } from '../ui/cn.ts'
import { ConfirmDialog } from '../ui/confirm-dialog.tsx'
import {
  DropdownMenu,
  DropdownMenuContent,
  DropdownMenuItem,
  DropdownMenuSeparator,
  DropdownMenuTrigger,
} from '../ui/dropdown-menu.tsx'
import { RelativeTime } from '../ui/relative-time.tsx'
import { BucketChecks, isGood } from './bucket-checks.tsx'
import { useBucketTest } from './use-bucket-test.ts'
import { useLifecycleRule } from './use-lifecycle-rule.ts'

/** One bucket: where it is, how much goes there, when it was last tried. The answer to a test stands below it. */
export function BucketRow(props: { bucket: BucketView; onEdit: () => void; onRemove: () => void }) {
  const { bucket } = props
  const installRule = useLifecycleRule(bucket)
  const [isAsking, setAsking] = useState(false)
  const { state: test, test: runTest, forget } = useBucketTest()
  return (
    <li className="border-b">
      <div className="grid min-h-14 grid-cols-[minmax(0,1fr)_auto] items-center gap-x-4 px-4 py-2 md:grid-cols-[minmax(0,1.3fr)_minmax(0,1.7fr)_10rem_auto] lg:grid-cols-[minmax(0,1.3fr)_minmax(0,1.7fr)_7rem_10rem_auto] md:px-6">
        <div className="min-w-0">
          <div className="flex items-center gap-2">
            <span className="truncate font-medium">{bucket.name}</span>
            {bucket.embedded && <Badge tone="water">embedded</Badge>}
          </div>
          <p className="num truncate text-dim text-xs">
            {bucket.bucket}
            {bucket.prefix && `/${bucket.prefix}`}
          </p>
        </div>
        <div className="min-w-0 max-md:col-start-1 max-md:row-start-2">
          <p className="num truncate">{bucket.endpoint.replace(/^https:\/\//, '')}</p>
          <p className="truncate text-dim text-xs">
            <span className="num">{bucket.region}</span> · key ends in{' '}
            <span className="num">{bucket.accessKeyIdHint}</span>
          </p>
        </div>
        <p className="text-right max-lg:hidden">
          {bucket.transfers > 0 ? (
            <Link
              className="focus-ring text-muted-foreground hover:text-foreground hover:underline"
              href={listHref({ tab: 'all', search: bucket.name })}
            >
              <span className="num">{bucket.transfers.toLocaleString('en-US')}</span>{' '}
              {bucket.transfers === 1 ? 'transfer' : 'transfers'}
            </Link>
          ) : (
            <span className="text-dim">no transfers</span>
          )}
        </p>
        <p className="text-right text-muted-foreground max-md:hidden">
          {bucket.testedAt ? (
            <span className={cn(bucket.testFailure && 'text-destructive')}>
              {bucket.testFailure ? 'test failed' : 'tested'} <RelativeTime at={bucket.testedAt} />
            </span>
          ) : (
            <span className="text-dim">never tested</span>
          )}
        </p>
        <div className="flex items-center justify-end gap-1 max-md:col-start-2 max-md:row-span-2 max-md:row-start-1">
          <Button
            variant="outline"
            size="sm"
            disabled={test.kind === 'running'}
            aria-label={`Test ${bucket.name}`}
            onClick={() => runTest({ bucketId: bucket.id })}
          >
            {test.kind === 'running' ? 'Testing' : 'Test'}
          </Button>
          <DropdownMenu>
            <DropdownMenuTrigger asChild>
              <Button variant="ghost" size="icon-sm" aria-label={`Actions for ${bucket.name}`}>
                <Ellipsis className="size-4" aria-hidden />
              </Button>
            </DropdownMenuTrigger>
            <DropdownMenuContent>
              <DropdownMenuItem disabled={bucket.embedded} onSelect={props.onEdit}>
                <Pencil aria-hidden />
                Edit
              </DropdownMenuItem>
              <DropdownMenuItem onSelect={() => runTest({ bucketId: bucket.id })}>
                <Plug aria-hidden />
                Test
              </DropdownMenuItem>
              <DropdownMenuItem disabled={bucket.embedded} onSelect={() => setAsking(true)}>
                <TimerReset aria-hidden />
                Remove unfinished uploads…
              </DropdownMenuItem>
              <DropdownMenuSeparator />
              <DropdownMenuItem destructive disabled={bucket.embedded} onSelect={props.onRemove}>
                <Trash2 aria-hidden />
                Remove…
              </DropdownMenuItem>
            </DropdownMenuContent>
          </DropdownMenu>
        </div>
      </div>
      <ConfirmDialog
        confirmLabel="Install the rule"
        description={`“${bucket.bucket}” gets a lifecycle rule: the store itself removes uploads, of whatever program, that are not finished ${LIFECYCLE_DAYS} days after their start. Its other rules stay. A transfer that is paused for longer starts over.`}
        onConfirm={() => void installRule()}
        onOpenChange={setAsking}
        open={isAsking}
        title="Have the bucket remove unfinished uploads?"
      />
      {test.kind === 'none' && bucket.testFailure && (
        <p className="px-4 pb-2 text-muted-foreground md:px-6">{bucket.testFailure.message}</p>
      )}
      {test.kind !== 'none' && (
        <div className="grid gap-2 px-4 pb-3 md:px-6">
          {test.kind === 'answered' && (
            <div className="flex items-center justify-between">
              <p className="font-medium">
                {isGood(test) ? 'The bucket works.' : 'Something has to be changed before transfers can go here.'}
              </p>
              <Button variant="ghost" size="sm" onClick={forget}>
                Hide
              </Button>
            </div>
          )}
          <BucketChecks test={test} />
        </div>
      )}
    </li>
  )
}
