import { expect, it } from 'vitest'
import { baseUrlProblem, normaliseBaseUrl, publishedOriginSaveSchema } from './published-origin.ts'

it.each([
  ['https://files.example.org', 'https://files.example.org'],
  ['HTTPS://Files.Example.org:443/', 'https://files.example.org'],
  ['http://files.example.org:8080/a b/', 'http://files.example.org:8080/a%20b'],
])('writes %s as %s', (text, normal) => {
  expect(baseUrlProblem(text)).toBeNull()
  expect(normaliseBaseUrl(text)).toBe(normal)
})

it.each([
  ['files.example.org', 'http or https address'],
  ['ftp://files.example.org', 'http or https address'],
  ['https://user:secret@files.example.org', 'user name or a password'],
  ['https://files.example.org/?a=1', 'no query'],
  ['https://files.example.org/#', 'no query'],
  ['https://files.example.org:0', 'port 0'],
])('says what is wrong with %s', (text, sentence) => {
  expect(baseUrlProblem(text)).toContain(sentence)
})

it.each([
  [{ name: 'With Space' }, 'A name has 1 to 63'],
  [{ name: '-x' }, 'A name has 1 to 63'],
  [{ headers: { Range: 'bytes=0-1' } }, 'set by Sluice itself'],
  [{ headers: { Authorization: 'a\nb' } }, 'is one line'],
  [{ headers: { 'Bad Name': 'x' } }, 'A header name'],
  [{ lanes: 65 }, 'at most 64 lanes'],
  [{ ttlSeconds: -1 }, '0 seconds or more'],
  [{ access: 'secret' }, 'Access is'],
  [{ httpVersion: '3' }, 'The HTTP version is 1.1 or 2'],
  [{ httpVersion: 2 }, 'The HTTP version is 1.1 or 2'],
])('refuses %j with a sentence', (over, sentence) => {
  const input = { name: 'films', baseUrl: 'https://files.example.org', access: 'public', ...over }
  const { error } = publishedOriginSaveSchema.safeParse(input)
  expect(error?.issues.map(({ message }) => message).join(' ')).toContain(sentence)
})

it('reads an origin over HTTP/1.1 where nothing else was chosen', () => {
  const input = { name: 'films', baseUrl: 'https://files.example.org', access: 'public' }
  expect(publishedOriginSaveSchema.parse(input).httpVersion).toBe('1.1')
  expect(publishedOriginSaveSchema.parse({ ...input, httpVersion: '2' }).httpVersion).toBe('2')
})
