import { expect, test, vi } from 'vitest'
import type { ObjectStore } from '../upload/object-store.ts'
import { SharedStores } from './shared-stores.ts'

const storeOf = () => ({ close: vi.fn() }) as unknown as ObjectStore & { close: ReturnType<typeof vi.fn> }

test('transfers into one bucket have one store, which stays open when they close theirs, for the next one', () => {
  const stores = new SharedStores()
  const store = storeOf()
  const open = vi.fn(() => store)
  const [first, second] = [stores.use('a', open), stores.use('a', open)]
  first.close()
  first.close()
  second.close()
  stores.use('a', open).close()
  expect(open).toHaveBeenCalledTimes(1)
  expect(store.close).not.toHaveBeenCalled()
  stores.closeIdle()
  expect(store.close).toHaveBeenCalledTimes(1)
})

test('a store that somebody uses is not closed, however often another closes its own', () => {
  const stores = new SharedStores()
  const store = storeOf()
  const [first, second] = [stores.use('a', () => store), stores.use('a', () => store)]
  first.close()
  first.close()
  stores.closeIdle()
  expect(store.close).not.toHaveBeenCalled()
  second.close()
  stores.closeIdle()
  expect(store.close).toHaveBeenCalledTimes(1)
})

test('of the stores that nobody uses, eight stay: those that were used last', () => {
  const stores = new SharedStores()
  const made = Array.from({ length: 10 }, (_, number) => ({ key: `bucket ${number}`, store: storeOf() }))
  const leases = made.map(({ key, store }) => stores.use(key, () => store))
  // The first one is the last to be given back.
  for (const lease of [...leases.slice(1), ...leases.slice(0, 1)]) lease.close()
  expect(made.filter(({ store }) => store.close.mock.calls.length > 0).map(({ key }) => key)).toEqual([
    'bucket 1',
    'bucket 2',
  ])
  stores.use('bucket 0', () => expect.unreachable()).close()
})
