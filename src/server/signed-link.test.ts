import { expect, it } from 'vitest'
import { signTarget, splitTarget, verifyLink } from './signed-link.ts'

const key = { id: 'k1', secret: 'a secret of the origin' }
const originId = 'o1'
const NOW = 1_000

/** What the range server does with the target of a request. */
function judge(signedTarget: string, { with: used = key, id = originId, now = NOW } = {}) {
  const { target, link } = splitTarget(signedTarget)
  return verifyLink(used, { originId: id, target }, link, now)
}

it.each(['videos/film.mp4', 'a%20b.mp4?version=2&x', 'x?', 'x?a=1&b='])(
  'signs %s, and the origin gets it as it was',
  (target) => {
    const signed = signTarget(key, { originId, target }, NOW + 1)
    expect(judge(signed)).toBe('valid')
    expect(splitTarget(signed).target).toBe(target === 'x?' ? 'x?' : target)
  },
)

it('is over at its time, and only a right link is ever told so', () => {
  const signed = signTarget(key, { originId, target: 'film.mp4' }, NOW)
  expect(judge(signed)).toBe('expired')
  expect(judge(signed, { now: NOW - 1 })).toBe('valid')
  expect(judge(signed.replace('film', 'other'))).toBe('wrong')
})

it('is wrong for another file, query, origin, time, key or secret', () => {
  const signed = signTarget(key, { originId, target: 'film.mp4?v=1' }, NOW + 10)
  expect(judge(signed.replace('film', 'book'))).toBe('wrong')
  expect(judge(signed.replace('v=1', 'v=2'))).toBe('wrong')
  expect(judge(`${signed}&more=1`)).toBe('wrong')
  expect(judge(signed, { id: 'o2' })).toBe('wrong')
  expect(judge(signed.replace(`expires=${NOW + 10}`, `expires=${NOW + 99}`))).toBe('wrong')
  expect(judge(signed.replace('sluice-key=k1', 'sluice-key=k2'))).toBe('wrong')
  expect(judge(signed, { with: { ...key, secret: 'another' } })).toBe('wrong')
})

it('is missing where there is no signature, and wrong where there is half of one or one twice', () => {
  const signed = signTarget(key, { originId, target: 'film.mp4' }, NOW + 10)
  expect(judge('film.mp4')).toBe('missing')
  expect(judge('film.mp4?v=1')).toBe('missing')
  expect(judge(signed.replace(/&sluice-signature=.*/, ''))).toBe('wrong')
  expect(judge(signed.replace(/sluice-signature=.*/, 'sluice-signature='))).toBe('wrong')
  expect(judge(`${signed}&sluice-expires=${NOW + 10}`)).toBe('wrong')
  expect(judge(`${signed.replace(`=${NOW + 10}`, '=1e9')}`)).toBe('wrong')
})
