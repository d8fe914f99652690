const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/**
 * A moment seen from now: `just now`, `3 min ago`, `in 2 h`, `4 d ago`; what is more than 30 days away is a date in the
 * local time zone. Both times in milliseconds.
 */
export function formatRelativeTime(atMs: number, nowMs: number): string {
  const distance = Math.abs(nowMs - atMs)
  if (distance < 5_000) return 'just now'
  if (distance >= 30 * DAY) {
    const date = new Date(atMs)
    return `${date.getDate()} ${MONTHS[date.getMonth()]} ${date.getFullYear()}`
  }
  const text =
    distance < MINUTE
      ? `${Math.floor(distance / 1000)} s`
      : distance < HOUR
        ? `${Math.floor(distance / MINUTE)} min`
        : distance < DAY
          ? `${Math.floor(distance / HOUR)} h`
          : `${Math.floor(distance / DAY)} d`
  return atMs <= nowMs ? `${text} ago` : `in ${text}`
}
