import { expect, test } from 'vitest'
import { purgeWords } from './purge-words.ts'

test.each([
  [
    { slices: 1_200, bytes: 1024 ** 3, engines: 2, enginesWaiting: 0 },
    'Purged 1,200 slices, 1.00 GiB, from 2 engines.',
  ],
  [{ slices: 0, bytes: 0, engines: 1, enginesWaiting: 1 }, 'Nothing of it was cached. 1 engine will follow.'],
  [{ slices: 0, bytes: 0, engines: 0, enginesWaiting: 2 }, 'Asked for. 2 engines will follow.'],
  [{ slices: 0, bytes: 0, engines: 0, enginesWaiting: 0 }, 'No engine runs; each does it when it starts.'],
])('%j is said in a sentence', (outcome, sentence) => {
  expect(purgeWords(outcome)).toBe(sentence)
})
