/** Separators as they are and encoded: servers decode them before they look for dots (nginx does), or take `\\` for `/` (IIS). */
const SEPARATOR = /[/\\]|%2f|%5c/i

/**
 * Whether a path and query below a base would lead above it, at a server that decodes more than the URL standard does before it resolves dots:
 * `..%2f`, `%252e%252e/`, and `..;x` where parameters of a segment are left out (Tomcat).
 */
export function climbsOut(target: string): boolean {
  const [path = ''] = target.split('?', 1)
  let depth = 0
  // `%25` is a percent sign, also one that was encoded several times.
  for (const segment of path.replace(/%(25)+/g, '%').split(SEPARATOR)) {
    const name = segment.replace(/(;|%3b).*$/i, '').replace(/%2e/gi, '.')
    if (name === '..') depth--
    else if (name !== '' && name !== '.') depth++
    if (depth < 0) return true
  }
  return false
}
