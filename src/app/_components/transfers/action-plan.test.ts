import { expect, test } from 'vitest'
import type { TransferStatus, TransferView } from '../../../server/domain/transfer.ts'
import { doneSentence, idsFor, questionFor, refusalSentences } from './action-plan.ts'

const row = (id: string, status: TransferStatus, cancelling = false) =>
  ({ id, status, cancelling, name: `${id}.iso` }) as TransferView

test('an action goes to the transfers whose state allows it', () => {
  const rows = [row('a', 'running'), row('b', 'failed'), row('c', 'completed'), row('d', 'running', true)]
  expect(idsFor('pause', rows)).toEqual(['a'])
  expect(idsFor('retry', rows)).toEqual(['b'])
  expect(idsFor('remove', rows)).toEqual(['b', 'c'])
})

test('what cannot be taken back is asked for with the name or the number', () => {
  expect(questionFor('cancel', [row('a', 'running')])?.title).toBe('Cancel “a.iso”?')
  expect(questionFor('remove', [row('a', 'failed'), row('b', 'failed')])?.confirmLabel).toBe('Remove 2 transfers')
  expect(questionFor('pause', [row('a', 'running')])).toBeNull()
})

test('equal reasons of a refusal are said once, with their number', () => {
  const refused = ['Too late.', 'Not now.', 'Too late.'].map((message) => ({ failure: { message } }))
  expect(refusalSentences(refused)).toEqual(['2 transfers: Too late.', 'Not now.'])
  expect(doneSentence('pause', 1)).toBe('Paused 1 transfer.')
})
