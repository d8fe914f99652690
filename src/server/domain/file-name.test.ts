import { describe, expect, it } from 'vitest'
import { fileNameFromUrl, safeFileName } from './file-name.ts'

describe('fileNameFromUrl', () => {
  it.each([
    ['https://example.org/a/b.iso', 'b.iso'],
    ['https://example.org/a/b%20c.iso?x=1#y', 'b c.iso'],
    ['https://example.org/%E4%BD%A0.txt', '你.txt'],
    ['https://example.org/a%2Fb%5Cc.bin', 'a_b_c.bin'],
    ['https://example.org/bad%ZZname', 'bad%ZZname'],
    ['https://example.org/', 'download'],
    ['https://example.org', 'download'],
    ['https://example.org/a/..%2f', '.._'],
    ['https://example.org/x%00y%0a', 'x_y_'],
    ['not a url', 'download'],
  ])('names %s as %s', (url, name) => {
    expect(fileNameFromUrl(url)).toBe(name)
  })
})

describe('safeFileName', () => {
  it('keeps names within 255 bytes, with the extension and whole characters', () => {
    const name = safeFileName(`${'ü'.repeat(300)}.tar.gz`)
    expect(new TextEncoder().encode(name).length).toBeLessThanOrEqual(255)
    expect(name).toMatch(/^ü+\.tar\.gz$|^ü+\.gz$/)
  })

  it.each(['', ' ', '.', '..'])('calls %j a download', (name) => {
    expect(safeFileName(name)).toBe('download')
  })
})
