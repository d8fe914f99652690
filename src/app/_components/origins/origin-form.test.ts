import { expect, test } from 'vitest'
import type { PublishedOriginView } from '../../../server/domain/published-origin.ts'
import { apiErrors, checkForm, formOf } from './origin-form.ts'

const stored: PublishedOriginView = {
  id: '01919191-0000-7000-8000-000000000001',
  name: 'films',
  baseUrl: 'https://files.example.org',
  headerNames: ['authorization'],
  access: 'signed',
  ttlSeconds: 60,
  heuristicFreshness: false,
  sizeCapBytes: 1_234_567_890,
  lanes: 8,
  httpVersion: '2',
  learnedLanes: null,
  createdAt: new Date(0),
  updatedAt: new Date(0),
}
const filled = { ...formOf(null), name: 'films', baseUrl: 'https://files.example.org' }

test('what is left empty is left to the origin, to Sluice, or out', () => {
  expect(checkForm(filled, null)).toEqual({
    input: {
      name: 'films',
      baseUrl: 'https://files.example.org',
      access: 'public',
      ttlSeconds: null,
      heuristicFreshness: false,
      sizeCapBytes: null,
      lanes: null,
      httpVersion: '1.1',
      headers: {},
    },
  })
})

test('an origin that is opened and saved stays what it was, its headers too', () => {
  const result = checkForm(formOf(stored), stored)
  expect(result).toMatchObject({
    input: { id: stored.id, sizeCapBytes: 1_234_567_890, ttlSeconds: 60, lanes: 8, httpVersion: '2' },
  })
  expect('input' in result && result.input).not.toHaveProperty('headers')
})

test.each([
  [{ name: 'My Films' }, 'name', /lower-case/],
  [{ baseUrl: 'https://' }, 'baseUrl', /http or https address/],
  [{ ttlSeconds: 'soon' }, 'ttlSeconds', /./],
  [{ ttlSeconds: '1.5' }, 'ttlSeconds', /whole number/],
  [{ sizeCap: 'much' }, 'sizeCap', /such as 20 GiB/],
  [{ lanes: '65' }, 'lanes', /at most 64/],
  [{ httpVersion: '3' }, 'httpVersion', /1\.1 or 2/],
  [{ headers: [{ id: 1, name: 'Host', value: 'x' }] }, 'headers', /set by Sluice/],
  [
    {
      headers: [
        { id: 1, name: 'X-A', value: '1' },
        { id: 2, name: 'x-a ', value: '2' },
      ],
    },
    'headers',
    /same name/,
  ],
] as const)('%j is refused beside its field', (over, field, sentence) => {
  const result = checkForm({ ...filled, ...over } as typeof filled, null)
  expect('errors' in result ? result.errors[field] : null).toMatch(sentence)
})

test('errors of the API stand beside their fields', () => {
  expect(apiErrors([], 'There is already an origin named "films". Choose another name.')).toHaveProperty('name')
  expect(apiErrors([{ path: 'headers.X', message: 'no' }], '')).toEqual({ headers: 'no' })
  expect(apiErrors([], 'The database is away.')).toEqual({ form: 'The database is away.' })
})
