'use client'

import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useRef, useState } from 'react'
import type { BucketQuestion } from '../../../server/domain/inspection.ts'
import { useTRPC } from '../../_trpc/client.tsx'
import { failureOf } from '../../_trpc/failure-of.ts'
import type { TestState } from './bucket-checks.tsx'

/** Asks an engine to try a bucket, saved or draft. A newer question, or `forget`, makes the answer to an older one void. */
export function useBucketTest() {
  const trpc = useTRPC()
  const queryClient = useQueryClient()
  const inspect = useMutation(trpc.inspections.bucket.mutationOptions())
  const [state, setState] = useState<TestState>({ kind: 'none' })
  const asked = useRef(0)

  const test = async (question: BucketQuestion) => {
    asked.current += 1
    const mine = asked.current
    setState({ kind: 'running' })
    const next = await inspect.mutateAsync(question).then(
      (answer): TestState => ({ kind: 'answered', answer }),
      (error): TestState => ({ kind: 'failed', failure: failureOf(error) }),
    )
    if (asked.current === mine) setState(next)
    await queryClient.invalidateQueries({ queryKey: trpc.buckets.list.queryKey() })
  }
  const forget = () => {
    asked.current += 1
    setState({ kind: 'none' })
  }
  return { state, test, forget }
}
