import { describe, expect, it } from 'vitest'
import { zipWarning } from './zip-warning.ts'

const ZIP = Buffer.from('504b030414', 'hex')
const EMPTY_ZIP = Buffer.from('504b0506', 'hex')
const HTML = Buffer.from('<!doc')
const of = (key: string, contentType: string | null, bytes: Uint8Array) =>
  zipWarning({ key, url: `https://example.org/${key}`, contentType }, bytes)?.code ?? null

describe('a ZIP by name or declaration', () => {
  it.each([
    ['a.zip', null, HTML, 'not_a_zip'],
    ['A.ZIP', 'application/octet-stream', HTML, 'not_a_zip'],
    ['a', 'application/zip', HTML, 'not_a_zip'],
    ['a', 'application/x-zip-compressed; charset=binary', HTML, 'not_a_zip'],
    ['a.zip', 'application/zip', Buffer.from('PK'), 'not_a_zip'],
    ['a.zip', 'text/html', ZIP, null],
    ['a.zip', null, EMPTY_ZIP, null],
    ['a.tar.gz', 'application/gzip', HTML, null],
  ])('%s as %s', (key, type, bytes, code) => expect(of(key, type, bytes)).toBe(code))
})

describe('bytes of a ZIP under another name', () => {
  it.each([
    ['a.csv', 'text/csv', ZIP, 'is_a_zip'],
    ['a.iso', 'application/octet-stream', ZIP, 'is_a_zip'],
    ['a', 'video/mp4', ZIP, 'is_a_zip'],
    ['a.tar.gz', 'application/gzip', ZIP, 'is_a_zip'],
    ['a.jar', 'application/java-archive', ZIP, null],
    ['a.docx', 'application/vnd.openxmlformats-officedocument.wordprocessingml.document', ZIP, null],
    ['model.pt', 'application/octet-stream', ZIP, null],
    ['a.bin', 'application/octet-stream', ZIP, null],
    ['a', null, ZIP, null],
    ['a.csv', 'text/csv', Buffer.from('a,b'), null],
  ])('%s as %s', (key, type, bytes, code) => expect(of(key, type, bytes)).toBe(code))

  it('is judged by the name in the link where the key is another', () => {
    const file = { key: 'renamed.bin', url: 'https://example.org/photos.zip?sig=…', contentType: null }
    expect(zipWarning(file, ZIP)).toBeNull()
    expect(zipWarning(file, HTML)?.code).toBe('not_a_zip')
  })
})
