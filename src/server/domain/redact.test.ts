import { describe, expect, it } from 'vitest'
import { redactUrl } from './redact.ts'

describe('a URL as it may be shown', () => {
  it.each([
    ['https://a.example/f?X-Amz-Signature=secret&X-Amz-Date=1', 'https://a.example/f?X-Amz-Signature=…&X-Amz-Date=…'],
    ['https://user:secret@a.example/f#secret', 'https://a.example/f'],
    ['https://a.example/f?versionId=7&page=2&v=3', 'https://a.example/f?versionId=7&page=2&v=3'],
    ['https://a.example/f?secret', 'https://a.example/f?…'],
    ['https://a.example/f?secret=&a=b', 'https://a.example/f?…&a=…'],
    [`https://a.example/f?${'s'.repeat(41)}=x`, 'https://a.example/f?…'],
    ['https://a.example/f?v=1&v=2', 'https://a.example/f?v=1&v=2'],
    ['secret', '[not a URL]'],
  ])('%s becomes %s', (text, shown) => {
    expect(redactUrl(text)).toBe(shown)
  })
})
