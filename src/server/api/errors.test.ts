import { TRPCError } from '@trpc/server'
import { describe, expect, it } from 'vitest'
import { FAILURE_CODES, TransferError } from '../domain/failure.ts'
import { transferInputSchema } from '../domain/transfer-input.ts'
import { isUnexpected, meaningOf, statusOf, toErrorData } from './errors.ts'

const zodError = (input: unknown) => transferInputSchema.safeParse(input).error

describe('toErrorData', () => {
  it('gives the first sentence of bad input, and every issue by its path', () => {
    const data = toErrorData(zodError({ sourceUrl: 'ftp://x/y', bucketId: 'nope', key: '/a' }))
    expect(data.failure).toMatchObject({ code: 'unsupported_scheme', retry: 'never' })
    expect(data.issues.map((issue) => issue.path)).toEqual(['sourceUrl', 'bucketId', 'key'])
  })

  it('names a bad key and a missing field', () => {
    const id = '0190b6b0-0000-7000-8000-000000000000'
    expect(toErrorData(zodError({ sourceUrl: 'https://x/y', bucketId: id, key: '' })).failure.code).toBe('invalid_key')
    expect(toErrorData(zodError({ bucketId: id })).failure).toMatchObject({
      code: 'invalid_input',
      message: 'sourceUrl is missing.',
    })
    expect(toErrorData(zodError({ sourceUrl: 'https://x/y', bucketId: id, priority: 'high' })).failure.message).toBe(
      'priority: Invalid input: expected number, received string.',
    )
  })

  it('passes a failure of ours on as it is', () => {
    const error = new TransferError('bucket_slow_down', 'Slow.', { retry: 'later' })
    expect(toErrorData(error).failure).toEqual({ code: 'bucket_slow_down', message: 'Slow.', retry: 'later' })
  })

  it('never shows the text of an unexpected error', () => {
    const data = toErrorData(new Error('canary in a stack'))
    expect(isUnexpected(data)).toBe(true)
    expect(JSON.stringify(data)).not.toContain('canary')
  })

  it.each([
    ['NOT_FOUND', 'not_found'],
    ['METHOD_NOT_SUPPORTED', 'invalid_input'],
    ['UNSUPPORTED_MEDIA_TYPE', 'forbidden_origin'],
    ['PARSE_ERROR', 'invalid_input'],
    ['INTERNAL_SERVER_ERROR', 'internal_error'],
  ] as const)("makes a sentence of tRPC's own %s", (code, failure) => {
    const data = toErrorData(meaningOf(new TRPCError({ code })))
    expect(data.failure.code).toBe(failure)
    expect(data.failure.message).toMatch(/\.$|"$/)
  })
})

it('has a status for every failure code', () => {
  for (const code of FAILURE_CODES) expect(statusOf(code)).toMatch(/^[A-Z_]+$/)
  expect(statusOf('source_not_found')).toBe('UNPROCESSABLE_CONTENT')
  expect(statusOf('not_allowed_in_state')).toBe('CONFLICT')
})
