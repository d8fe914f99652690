'use client'

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { toast } from 'sonner'
import type { TokenView } from '../../../server/domain/token.ts'
import { useTRPC } from '../../_trpc/client.tsx'
import { failureOf } from '../../_trpc/failure-of.ts'
import { Button } from '../ui/button.tsx'
import { Callout } from '../ui/callout.tsx'
import { ConfirmDialog } from '../ui/confirm-dialog.tsx'
import { RelativeTime } from '../ui/relative-time.tsx'
import { Section } from '../ui/section.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { TokenDialog } from './token-dialog.tsx'

/** API tokens: make one, see when each was used, revoke it. */
export function Tokens() {
  const trpc = useTRPC()
  const queryClient = useQueryClient()
  const { data, error, refetch } = useQuery(trpc.tokens.list.queryOptions())
  const revoke = useMutation(trpc.tokens.revoke.mutationOptions())
  const [creating, setCreating] = useState(false)
  const [revoked, setRevoked] = useState<TokenView | null>(null)

  const revokeToken = async (token: TokenView) => {
    try {
      await revoke.mutateAsync({ id: token.id })
      toast.success(`Revoked ${token.name}. Calls with it are refused from now on.`)
    } catch (failed) {
      toast.error(failureOf(failed).message)
    }
    await queryClient.invalidateQueries({ queryKey: trpc.tokens.list.queryKey() })
  }

  return (
    <Section
      title="API tokens"
      aside={
        <Button variant="outline" size="sm" onClick={() => setCreating(true)}>
          Create a token
        </Button>
      }
    >
      {error && !data ? (
        <Callout
          tone="destructive"
          className="my-3"
          action={
            <Button size="sm" variant="outline" onClick={() => refetch()}>
              Try again
            </Button>
          }
        >
          {failureOf(error).message}
        </Callout>
      ) : !data ? (
        <Skeleton className="my-3 h-9" />
      ) : data.length === 0 ? (
        <p className="py-3 text-muted-foreground">
          None yet. Programs send a token as <code className="num">Authorization: Bearer TOKEN</code>.
        </p>
      ) : (
        <ul aria-label="API tokens">
          {data.map((token) => (
            <Token key={token.id} token={token} onRevoke={() => setRevoked(token)} />
          ))}
        </ul>
      )}
      <TokenDialog open={creating} onOpenChange={setCreating} />
      <ConfirmDialog
        open={revoked !== null}
        onOpenChange={(open) => !open && setRevoked(null)}
        title={`Revoke “${revoked?.name ?? ''}”?`}
        description="What uses it is refused at once. This cannot be taken back; create another token instead."
        confirmLabel="Revoke token"
        destructive
        onConfirm={() => revoked && revokeToken(revoked)}
      />
    </Section>
  )
}

function Token({ token, onRevoke }: { token: TokenView; onRevoke: () => void }) {
  return (
    <li className="flex min-h-9 flex-wrap items-center gap-x-5 gap-y-0.5 border-b py-1 last:border-b-0">
      <span className="w-40 truncate font-medium">{token.name}</span>
      <span className="text-muted-foreground">
        ends in <span className="num">{token.hint}</span>
      </span>
      <span className="text-muted-foreground">
        created <RelativeTime at={token.createdAt} />
      </span>
      <span className="text-muted-foreground">
        {token.lastUsedAt ? (
          <>
            used <RelativeTime at={token.lastUsedAt} />
          </>
        ) : (
          'never used'
        )}
      </span>
      {token.expiresAt && !token.revokedAt && (
        <span className="text-muted-foreground">
          expires <RelativeTime at={token.expiresAt} />
        </span>
      )}
      {token.revokedAt ? (
        <span className="ml-auto text-dim">
          revoked <RelativeTime at={token.revokedAt} />
        </span>
      ) : (
        <Button variant="ghost" size="sm" className="ml-auto" aria-label={`Revoke ${token.name}`} onClick={onRevoke}>
          Revoke
        </Button>
      )}
    </li>
  )
}
