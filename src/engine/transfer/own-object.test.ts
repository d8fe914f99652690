import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { ObjectInfo } from '../upload/object-store.ts'
import { isOurObject } from './own-object.ts'

const md5 = (text: string) => createHash('md5').update(text).digest()
const hex = (text: string) => `"${md5(text).toString('hex')}"`
const parts = ['one', 'two'].map((text, index) => ({ number: index + 1, sizeBytes: 3, etag: hex(text), crc32c: null }))
const upload = { parts, sizeBytes: 6, crc32c: 'AAAAAA==' }
const object = (changes: Partial<ObjectInfo>): ObjectInfo => ({
  sizeBytes: 6,
  etag: '"x"',
  checksums: {},
  checksumType: null,
  metadata: {},
  ...changes,
})

describe('correctness 36: the object at the key is ours', () => {
  it('where it carries our write token, and not where it carries another or none', () => {
    const is = (metadata: Record<string, string>) => isOurObject(object({ metadata }), 't', upload, { metadata: true })
    expect(is({ 'sluice-write-token': 't' })).toBe(true)
    expect(is({ 'sluice-write-token': 'u' })).toBe(false)
    expect(is({})).toBe(false)
    // Equal bytes are no token: somebody else may have written the same file.
    const same = object({ checksumType: 'FULL_OBJECT', checksums: { crc32c: 'AAAAAA==' } })
    expect(isOurObject(same, 't', upload, { metadata: true })).toBe(false)
    const other = object({
      metadata: { 'sluice-write-token': 'u' },
      checksumType: 'FULL_OBJECT',
      checksums: { crc32c: 'AAAAAA==' },
    })
    expect(isOurObject(other, 't', upload, { metadata: false })).toBe(false)
  })

  it('where the store drops metadata, only with the checksum of the whole or the ETag of these very parts', () => {
    const is = (changes: Partial<ObjectInfo>) => isOurObject(object(changes), 't', upload, { metadata: false })
    expect(is({ checksumType: 'FULL_OBJECT', checksums: { crc32c: 'AAAAAA==' } })).toBe(true)
    expect(is({ checksumType: 'FULL_OBJECT', checksums: { crc32c: 'BBBBBA==' } })).toBe(false)
    const etag = `"${createHash('md5')
      .update(Buffer.concat([md5('one'), md5('two')]))
      .digest('hex')}-2"`
    expect(is({ etag })).toBe(true)
    expect(is({ etag, sizeBytes: 7 })).toBe(false)
    expect(is({ etag: hex('onetwo') })).toBe(false)
  })
})
