import { expect, test } from 'vitest'
import { createTestDatabase } from './test-database.ts'

test('two test databases are migrated and do not see each other', async () => {
  const [one, other] = await Promise.all([createTestDatabase(), createTestDatabase()])
  try {
    await one.db.origin.create({ data: { baseUrl: 'https://files.example' } })
    expect(await one.db.origin.count()).toBe(1)
    expect(await other.db.origin.count()).toBe(0)
  } finally {
    await Promise.all([one.close(), other.close()])
  }
})
