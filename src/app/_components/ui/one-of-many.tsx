import { SearchX } from 'lucide-react'
import Link from 'next/link'
import type { ReactNode } from 'react'
import type { Failure } from '../../../server/domain/failure.ts'
import { failureOf } from '../../_trpc/failure-of.ts'
import { Button } from './button.tsx'
import { CouldNotRead } from './could-not-read.tsx'
import { EmptyState } from './empty-state.tsx'

/** The page of one thing named by its address: the thing, or that there is none, that it could not be read, or its outline meanwhile. */
export function OneOfMany<Data>(props: {
  query: { data: Data | undefined; error: unknown; refetch: () => unknown }
  /** Such as "report". */
  kind: string
  missing: string
  allHref: string
  outline: ReactNode
  /** `failure`: the data are the last that could be read. */
  children: (data: Data, failure: Failure | null) => ReactNode
}) {
  const { query, kind } = props
  const failure = query.error ? failureOf(query.error) : null
  if (failure && (failure.code === 'not_found' || failure.code === 'invalid_input'))
    return (
      <EmptyState
        action={
          <Button asChild>
            <Link href={props.allHref}>All {kind}s</Link>
          </Button>
        }
        description={props.missing}
        icon={<SearchX aria-hidden />}
        isPage
        title={`There is no such ${kind}`}
      />
    )
  if (query.data !== undefined) return props.children(query.data, failure)
  if (failure)
    return <CouldNotRead title={`The ${kind} could not be read`} error={query.error} onRetry={query.refetch} />
  return props.outline
}
