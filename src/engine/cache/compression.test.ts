import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { compressSlice, expandSlice } from './compression.ts'

const text = Buffer.from('All work and no play makes a dull slice. '.repeat(5_000))

it.each(['zstd', 'brotli', 'gzip'] as const)(
  'keeps text smaller with %s and gives back the very bytes',
  async (codec) => {
    const stored = await compressSlice(text, codec)
    expect(stored.codec).toBe(codec)
    expect(stored.payload.byteLength).toBeLessThan(text.byteLength / 5)
    expect(await expandSlice(codec, stored.payload, text.byteLength)).toEqual(text)
  },
)

it('keeps bytes as they are where a sample does not become smaller, where they are few, and where it is off', async () => {
  const random = randomBytes(200_000)
  expect(await compressSlice(random, 'zstd')).toEqual({ codec: 'none', payload: random })
  const few = Buffer.alloc(100)
  expect(await compressSlice(few, 'zstd')).toEqual({ codec: 'none', payload: few })
  expect(await compressSlice(text, 'off')).toEqual({ codec: 'none', payload: text })
})

it('keeps a slice as it is where the sample was smaller but the whole is not', async () => {
  const mostlyRandom = randomBytes(300_000)
  for (const place of [0.1, 0.5, 0.9]) mostlyRandom.fill(0, 300_000 * place, 300_000 * place + 6_000)
  expect((await compressSlice(mostlyRandom, 'zstd')).codec).toBe('none')
})

it('gives nothing where the length is not that of the slice, or the bytes are none that can be expanded', async () => {
  const { payload } = await compressSlice(text, 'zstd')
  expect(await expandSlice('zstd', payload, text.byteLength - 1)).toBeNull()
  expect(await expandSlice('zstd', payload, text.byteLength + 1)).toBeNull()
  expect(await expandSlice('gzip', payload, text.byteLength)).toBeNull()
})
