import { expect, it } from 'vitest'
import { z } from 'zod'
import { newId } from './new-id.ts'

it('makes version 7 UUIDs that sort by the time they were made', () => {
  const ids = [1, 1_700_000_000_000, 1_700_000_000_001, 2 ** 47].map((nowMs) => newId(nowMs))
  expect([...ids].sort()).toEqual(ids)
  for (const id of ids) expect(z.uuidv7().safeParse(id).success).toBe(true)
  expect(new Set(Array.from({ length: 1000 }, () => newId(5))).size).toBe(1000)
})
