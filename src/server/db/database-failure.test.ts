import { describe, expect, it, vi } from 'vitest'
import { TransferError } from '../domain/failure.ts'
import { databaseFailure, isDatabaseTrouble, isWriteConflict } from './database-failure.ts'
import { retryOnConflict } from './retry-on-conflict.ts'

const prismaError = (code: string, kind: string, originalCode: string) =>
  Object.assign(new Error('Raw query failed.'), {
    code,
    meta: { driverAdapterError: { name: 'DriverAdapterError', cause: { kind, originalCode } } },
  })
const deadlock = () => prismaError('P2010', 'TransactionWriteConflict', '40P01')

describe('databaseFailure', () => {
  it.each([
    ['a model query that finds no server', Object.assign(new Error('x'), { code: 'P1001' })],
    ['a raw query that finds no server', prismaError('P2010', 'DatabaseNotReachable', '')],
    ['a server that shuts down', prismaError('P2010', 'postgres', '57P01')],
    ['a lost connection', new Error('Connection terminated unexpectedly')],
    ['a refused connection inside an AggregateError', new AggregateError([{ code: 'ECONNREFUSED' }])],
    ['a wrapped error', new Error('outer', { cause: Object.assign(new Error('x'), { code: 'ECONNRESET' }) })],
  ])('recognises %s', (_, error) => {
    expect(databaseFailure(error)).toMatchObject({ code: 'database_unavailable', retry: 'later' })
  })

  it.each([new Error('boom'), prismaError('P2002', 'UniqueConstraintViolation', '23505'), null, 'text', undefined])(
    'leaves %s alone',
    (error) => {
      expect(databaseFailure(error)).toBeNull()
    },
  )

  it('ends on an error that is its own cause', () => {
    const loop = new Error('loop')
    loop.cause = loop
    expect(databaseFailure(loop)).toBeNull()
  })
})

describe('retryOnConflict', () => {
  it('runs a transaction again after a deadlock', async () => {
    const transaction = vi.fn().mockRejectedValueOnce(deadlock()).mockResolvedValueOnce('done')
    expect(await retryOnConflict(transaction)).toBe('done')
    expect(transaction).toHaveBeenCalledTimes(2)
  })

  it('gives up after four attempts, and at once on any other error', async () => {
    const unlucky = vi.fn().mockImplementation(() => Promise.reject(deadlock()))
    await expect(retryOnConflict(unlucky)).rejects.toSatisfy(isWriteConflict)
    expect(unlucky).toHaveBeenCalledTimes(4)
    const broken = vi.fn().mockRejectedValue(new Error('boom'))
    await expect(retryOnConflict(broken)).rejects.toThrow('boom')
    expect(broken).toHaveBeenCalledTimes(1)
  })
})

describe('isDatabaseTrouble', () => {
  it('tells a broken connection to the database from one to a source, and from an error of ours', () => {
    const reset = Object.assign(new Error('reset'), { code: 'ECONNRESET' })
    expect(isDatabaseTrouble(reset)).toBe(true)
    expect(isDatabaseTrouble(deadlock())).toBe(true)
    expect(isDatabaseTrouble(new TransferError('connection_lost', 'The source broke off.', { cause: reset }))).toBe(
      false,
    )
    expect(isDatabaseTrouble(new Error('boom'))).toBe(false)
  })

  it('counts answers that do not come, and transactions that ran out of time on a busy machine', () => {
    const late = Object.assign(new Error('Transaction API error: expired'), { code: 'P2028' })
    const idle = Object.assign(new Error('terminating connection'), { originalCode: '25P03' })
    for (const error of [late, idle, new Error('Query read timeout')]) expect(isDatabaseTrouble(error)).toBe(true)
  })
})
