import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createLog } from '../../server/log.ts'
import { ActiveTransfer } from '../transfer/active-transfer.ts'
import type { Stop } from '../transfer/stop.ts'
import type { WorkContext } from '../transfer/work-context.ts'
import { LeaseKeeper } from './lease-keeper.ts'

const LEASE_MS = 3_000

describe('LeaseKeeper', () => {
  let active: Map<string, ActiveTransfer>
  let keeper: LeaseKeeper
  /** The claims each renewal named. */
  let renewed: string[][]
  let answer: (claimIds: string[]) => Promise<{ id: string }[]>
  const all = async (claimIds: string[]) => claimIds.map((id) => ({ id }))

  beforeEach(() => {
    vi.useFakeTimers()
    active = new Map()
    renewed = []
    answer = all
    const $queryRaw = (_: TemplateStringsArray, ...values: unknown[]) => {
      const claimIds = values.filter(Array.isArray).at(-1) as string[]
      renewed.push(claimIds)
      return answer(claimIds)
    }
    keeper = new LeaseKeeper(
      {
        db: { $queryRaw },
        engineId: 'engine',
        env: { SLUICE_LEASE_MS: LEASE_MS },
        log: createLog('engine', 'silent'),
      } as unknown as WorkContext,
      active,
    )
    keeper.start()
  })
  afterEach(() => {
    keeper.stop()
    vi.useRealTimers()
  })

  const claimed = (id: string, ...claimIds: string[]) => {
    const transfer = new ActiveTransfer(id)
    for (const claimId of claimIds) transfer.claimIds.add(claimId)
    active.set(id, transfer)
    keeper.claimedAt(performance.now())
    return transfer
  }
  const why = (transfer: ActiveTransfer) => (transfer.signal.reason as Stop | undefined)?.why

  it('renews the claims of all transfers with one statement each third of a lease', async () => {
    const transfer = claimed('a', '1', '2')
    claimed('b', '3').planClaimId = '4'
    await vi.advanceTimersByTimeAsync(10 * LEASE_MS)
    expect(renewed[0]).toEqual(['1', '2', '3', '4'])
    expect(renewed.length).toBeGreaterThanOrEqual(20)
    expect(renewed.length).toBeLessThanOrEqual(31)
    expect(transfer.signal.aborted).toBe(false)
  })

  it('stops everything before the lease has ended where it could not be renewed', async () => {
    const transfer = claimed('a', '1')
    answer = () => Promise.reject(new Error('the database is away'))
    await vi.advanceTimersByTimeAsync(LEASE_MS - 600)
    expect(transfer.signal.aborted).toBe(false)
    await vi.advanceTimersByTimeAsync(1_200)
    expect(why(transfer)).toBe('lease-lost')
    expect(transfer.mustLetGo).toBe(true)
  })

  it('is done with that before the end of the lease, however late its looks come', async () => {
    const transfer = claimed('a', '1')
    answer = () => Promise.reject(new Error('the database is away'))
    await vi.advanceTimersByTimeAsync(LEASE_MS - 500)
    expect(why(transfer)).toBe('lease-lost')
  })

  it('does not take a claim for lost that was given away and taken again meanwhile', async () => {
    const transfer = claimed('a', '1', '2')
    answer = async () => {
      transfer.claimIds.delete('2')
      transfer.givenBack++
      transfer.claimIds.add('2')
      return [{ id: '1' }]
    }
    await vi.advanceTimersByTimeAsync(LEASE_MS / 2)
    expect(transfer.signal.aborted).toBe(false)
    answer = async () => [{ id: '1' }]
    await vi.advanceTimersByTimeAsync(LEASE_MS / 2)
    expect(why(transfer)).toBe('lease-lost')
  })

  it('stops as well where the database never answers', async () => {
    const transfer = claimed('a', '1')
    answer = () => new Promise(() => {})
    await vi.advanceTimersByTimeAsync(LEASE_MS + 600)
    expect(why(transfer)).toBe('lease-lost')
  })

  it('stops only the transfer that has lost a claim, and not for one that was closed meanwhile', async () => {
    const lost = claimed('lost', '1')
    const closed = claimed('closed', '2')
    answer = async () => {
      closed.claimIds.delete('2')
      return []
    }
    await vi.advanceTimersByTimeAsync(LEASE_MS / 2)
    expect(why(lost)).toBe('lease-lost')
    expect(closed.signal.aborted).toBe(false)
  })

  it('gives what is claimed later a deadline of its own while old work still winds down', async () => {
    const old = claimed('old', '1')
    answer = () => Promise.reject(new Error('the database is away'))
    await vi.advanceTimersByTimeAsync(LEASE_MS + 600)
    expect(why(old)).toBe('lease-lost')
    answer = all
    renewed.length = 0
    const fresh = claimed('fresh', '2')
    await vi.advanceTimersByTimeAsync(3 * LEASE_MS)
    expect(fresh.signal.aborted).toBe(false)
    expect(new Set(renewed.flat())).toEqual(new Set(['2']))
  })

  it('lets a transfer that its user stopped go on being renewed until it has written its last parts', async () => {
    claimed('a', '1').stop('user')
    await vi.advanceTimersByTimeAsync(LEASE_MS)
    expect(renewed.flat()).toContain('1')
  })
})
