import { expect, it } from 'vitest'
import { decodeHeader, ENTRY_HEADER_BYTES, encodeHeader, LAYOUT_VERSION, openEntry } from './entry-format.ts'
import { bytesOf, keyOf } from './testing/slices.ts'

const key = {
  objectId: '00112233445566778899aabbccddeeff0011223344556677',
  version: '0123456789abcdef0123',
  index: 7,
}
const payload = Buffer.from('sluice')
const facts = { codec: 'zstd', sizeBytes: 600, storedAtMs: 1_700_000_000_000 } as const

it('has the very bytes it always had: where this fails, raise LAYOUT_VERSION', () => {
  expect(LAYOUT_VERSION).toBe(1)
  expect(encodeHeader(key, payload, facts).toString('hex')).toMatchInlineSnapshot(
    `"534c43310100000058020000060000005d1c4c4900008056febc784200112233445566778899aabbccddeeff00112233445566770123456789abcdef0123000007000000c4f0ce55"`,
  )
})

it('reads what it wrote', () => {
  const header = encodeHeader(key, payload, facts)
  expect(header.byteLength).toBe(ENTRY_HEADER_BYTES)
  expect(decodeHeader(header)).toMatchObject({ key, ...facts, payloadBytes: 6 })
  expect(openEntry(Buffer.concat([header, payload]), key)?.payload.toString()).toBe('sluice')
})

it('does not open an entry in which a single bit was turned, a cut one, or one with bytes behind it', () => {
  const slice = keyOf('film', 3)
  const bytes = bytesOf(slice)
  const header = encodeHeader(slice, bytes, { codec: 'none', sizeBytes: 64, storedAtMs: 1 })
  const entry = Buffer.concat([header, bytes])
  expect(openEntry(entry, slice)).not.toBeNull()
  for (let bit = 0; bit < entry.byteLength * 8; bit++) {
    const turned = Buffer.from(entry)
    turned[bit >> 3] = (turned[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    expect(openEntry(turned, slice), `bit ${bit}`).toBeNull()
  }
  expect(openEntry(entry.subarray(0, -1), slice)).toBeNull()
  expect(openEntry(Buffer.concat([entry, Buffer.alloc(1)]), slice)).toBeNull()
  expect(openEntry(Buffer.alloc(0), slice)).toBeNull()
})

it('does not open an entry under the key of another slice', () => {
  const slice = keyOf('film', 3)
  const entry = Buffer.concat([
    encodeHeader(slice, bytesOf(slice), { codec: 'none', sizeBytes: 64, storedAtMs: 1 }),
    bytesOf(slice),
  ])
  for (const other of [keyOf('film', 4), keyOf('other', 3), keyOf('film', 3, { etag: 'b' })])
    expect(openEntry(entry, other)).toBeNull()
})
