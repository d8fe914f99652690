import { expect, it } from 'vitest'
import { GroupCommit } from './group-commit.ts'

it('sends the first at once and what comes meanwhile together', async () => {
  const sent: number[][] = []
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const commit = new GroupCommit<number, string>(async (items) => {
    sent.push([...items])
    await gates[sent.length - 1]?.promise
    return items.join()
  })
  const first = commit.add(1)
  await Promise.resolve()
  await Promise.resolve()
  const later = [commit.add(2), commit.add(3)]
  expect(sent).toEqual([[1]])
  gates[0]?.resolve()
  expect(await first).toBe('1')
  gates[1]?.resolve()
  expect(await Promise.all(later)).toEqual(['2,3', '2,3'])
  expect(sent).toEqual([[1], [2, 3]])
})

it('tells everybody of a statement that failed, and sends the next one all the same', async () => {
  let isAway = true
  const commit = new GroupCommit<number, number>(async (items) => {
    if (isAway) throw new Error('away')
    return items.length
  })
  await expect(Promise.all([commit.add(1), commit.add(2)])).rejects.toThrow('away')
  isAway = false
  expect(await commit.add(3)).toBe(1)
})
