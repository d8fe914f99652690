const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/**
 * A span of time as people read it, in its two largest units: `0.4 s`, `4 s`, `3 min 12 s`, `2 h 5 min`, `3 d 4 h`.
 * Takes seconds; what is not finite or is negative is shown as a dash.
 */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) return '–'
  if (seconds > 0 && seconds < 0.95) return `${Math.max(0.1, seconds).toFixed(1)} s`
  const whole = Math.round(seconds)
  if (whole < MINUTE) return `${whole} s`
  if (whole < HOUR) return pair(whole, MINUTE, 'min', 1, 's')
  if (whole < DAY) return pair(whole, HOUR, 'h', MINUTE, 'min')
  return pair(whole, DAY, 'd', HOUR, 'h')
}

/** How long something took, with tenths where they matter: `7.6 s`, `3 min 12 s`. */
export function tookText(milliseconds: number): string {
  return milliseconds < 59_950 ? `${(milliseconds / 1000).toFixed(1)} s` : formatDuration(milliseconds / 1000)
}

function pair(seconds: number, large: number, largeUnit: string, small: number, smallUnit: string): string {
  const first = Math.floor(seconds / large)
  const second = Math.floor((seconds % large) / small)
  return second === 0 ? `${first} ${largeUnit}` : `${first} ${largeUnit} ${second} ${smallUnit}`
}
