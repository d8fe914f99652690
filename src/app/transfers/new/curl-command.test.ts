import superjson from 'superjson'
import { describe, expect, it } from 'vitest'
import { curlCommand } from './curl-command.ts'

const item = { sourceUrl: "https://a.example/it's", bucketId: 'b', key: 'k' }
const bodyOf = (command: string) => JSON.parse(/--data-raw '(.*)'$/s.exec(command)?.[1]?.replaceAll(`'\\''`, "'") ?? '')

describe('curlCommand', () => {
  it('says the same as the form for one link, in the form the API reads', () => {
    const startAt = new Date('2026-11-22T10:00:00Z')
    const command = curlCommand('http://localhost:3000', [{ ...item, startAt }])
    expect(command).toContain('curl -sS http://localhost:3000/api/trpc/transfers.create \\')
    expect(superjson.deserialize(bodyOf(command))).toEqual({ ...item, startAt })
  })

  it('makes one call of many links', () => {
    const startAt = new Date(0)
    const command = curlCommand('http://localhost:3000', [item, { ...item, startAt }])
    expect(command).toContain('transfers.createMany')
    expect(superjson.deserialize(bodyOf(command))).toEqual({ items: [item, { ...item, startAt }] })
  })

  it('leaves the token to the environment', () => {
    expect(curlCommand('http://localhost:3000', [item])).toContain('Bearer $SLUICE_TOKEN')
  })
})
