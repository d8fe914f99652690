import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { keyProblem } from '../../server/domain/transfer-input.ts'
import { fileNameOf } from './file-name.ts'

const PATH = new URL('https://host.example/dir/from-path.bin')
const named = (disposition: string, start = PATH, end = start) => fileNameOf(disposition, start, end)
const ofPath = (path: string, endPath = path) =>
  fileNameOf(null, new URL(path, 'https://host.example'), new URL(endPath, 'https://cdn.example'))
/** Bytes as a header carries them: latin1 text. */
const raw = (bytes: Uint8Array | string) => Buffer.from(bytes as string).toString('latin1')

describe('correctness 29: names from Content-Disposition', () => {
  test.each([
    ['attachment; filename=plain.zip', 'plain.zip'],
    ['attachment; filename="with space.zip"', 'with space.zip'],
    ['attachment; filename="quote \\" in.zip"', 'quote " in.zip'],
    ['inline; FILENAME="upper.zip"', 'upper.zip'],
    [`attachment; filename*=UTF-8''%e2%82%ac%20rates.txt`, '€ rates.txt'],
    [`attachment; filename="fallback.txt"; filename*=UTF-8''%C3%BC.txt`, 'ü.txt'],
    [`attachment; filename*=UTF-8''%C3%BC.txt; filename="fallback.txt"`, 'ü.txt'],
    [`attachment; filename*=ISO-8859-1''%A3.txt`, '£.txt'],
    [`attachment; filename*=UTF-8''100%2525.txt`, '100%25.txt'],
    [`attachment; filename*=UTF-8''a%2Bb.txt`, 'a+b.txt'],
    ['attachment; filename="a+b.txt"', 'a+b.txt'],
    ['attachment; filename="a%2Bb%20c.txt"', 'a+b c.txt'],
    ['attachment; filename="=?UTF-8?B?w7xiZXIudHh0?="', 'über.txt'],
    ['attachment; filename="=?UTF-8?Q?=C3=BCber=20all_x.txt?="', 'über all x.txt'],
    [`attachment; filename="${raw('naïve.txt')}"`, 'naïve.txt'],
    ['attachment; filename="../../etc/passwd"', 'passwd'],
    ['attachment; filename="..\\\\..\\\\windows\\\\win.ini"', 'win.ini'],
    ['attachment; filename="/etc/passwd"', 'passwd'],
    [`attachment; filename*=UTF-8''..%2F..%2Fetc%2Fpasswd`, 'passwd'],
    ['attachment; filename="%2e%2e%2fpasswd"', 'passwd'],
    ['attachment; filename="evil\u0000.txt"', 'evil.txt'],
    [`attachment; filename*=UTF-8''photo%E2%80%AEgpj.exe`, 'photogpj.exe'],
    ['attachment; filename=".hidden"', '.hidden'],
  ])('%j is %j', (header, name) => {
    expect(named(header)).toBe(name)
  })

  test.each([
    'attachment',
    'attachment; filename=""',
    'attachment; filename=".."',
    'attachment; filename="/"',
    ';;;=;',
    '',
  ])('%j names nothing, so the path does', (header) => {
    expect(named(header)).toBe('from-path.bin')
  })

  test('GBK bytes stay harmless, whatever they read as', () => {
    const gbk = Buffer.from([0xce, 0xc4, 0xbc, 0xfe, 0x2e, 0x7a, 0x69, 0x70]).toString('latin1')
    const name = named(`attachment; filename="${gbk}"`)
    expect(name).toMatch(/\.zip$/)
    expect(keyProblem(name)).toBeNull()
  })
})

describe('names from paths', () => {
  test.each([
    ['/a/file.tar.gz', 'file.tar.gz'],
    ['/file%20name.zip?sig=secret#x', 'file name.zip'],
    ['/a%2Bb+c.zip', 'a+b+c.zip'],
    ['/%E6%96%87%E4%BB%B6.zip', '文件.zip'],
    ['/%ff%fe.zip', '%ff%fe.zip'],
    ['/a%2F..%2Fb.zip', 'b.zip'],
    ['/', 'download'],
    ['/folder/', 'download'],
    ['/..%2f', 'download'],
  ])('%s is %j', (path, name) => {
    expect(ofPath(path)).toBe(name)
  })

  test('a link without an extension takes the name of where it led to', () => {
    expect(ofPath('/download/latest', '/files/tool-1.2.tar.gz')).toBe('tool-1.2.tar.gz')
    expect(ofPath('/models/model.safetensors', '/3f/9a8b7c')).toBe('model.safetensors')
    expect(ofPath('/download', '/3f9a')).toBe('download')
  })
})

test('a long name is cut to 255 bytes between characters and keeps its extension', () => {
  const name = named(`attachment; filename*=UTF-8''${encodeURIComponent('漢'.repeat(300))}.tar`)
  expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255)
  expect(name).toMatch(/^漢+\.tar$/)
})

test('whatever a source sends, the name is one safe segment', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (text) => {
      const name = named(`attachment; filename="${text}"`)
      expect(keyProblem(name)).toBeNull()
      expect(name).not.toMatch(/[/\\]/)
      expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255)
    }),
  )
})
