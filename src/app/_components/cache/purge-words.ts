import { formatBytes } from '../../../server/domain/bytes.ts'

/** What a purge came to, as a sentence. */
export function purgeWords(outcome: {
  slices: number
  bytes: number
  engines: number
  enginesWaiting: number
}): string {
  const { slices, bytes, engines, enginesWaiting } = outcome
  const count = (n: number, noun: string) => `${n.toLocaleString('en-US')} ${noun}${n === 1 ? '' : 's'}`
  if (engines === 0 && enginesWaiting > 0) return `Asked for. ${count(enginesWaiting, 'engine')} will follow.`
  const went =
    engines === 0
      ? 'No engine runs; each does it when it starts.'
      : slices === 0
        ? 'Nothing of it was cached.'
        : `Purged ${count(slices, 'slice')}, ${formatBytes(bytes)}, from ${count(engines, 'engine')}.`
  return enginesWaiting > 0 ? `${went} ${count(enginesWaiting, 'engine')} will follow.` : went
}
