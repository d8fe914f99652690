/** Query parameters that carry no secret and help to tell sources apart; every other value is cut. */
const HARMLESS_PARAMETERS = new Set(['versionid', 'version', 'v', 'format', 'download', 'filename', 'lang', 'page'])
/** Longer than X-Amz-Content-Sha256 and its like. */
const MAX_NAME_LENGTH = 40

/**
 * A URL as it may be shown and logged: no user name, no password, no fragment, and only harmless query values. Signed links
 * are bearer secrets (X-Amz-Signature, X-Goog-*, sig, token, key ...), so what is not known to be harmless is cut.
 */
export function redactUrl(text: string): string {
  let url: URL
  try {
    url = new URL(text)
  } catch {
    return '[not a URL]'
  }
  url.username = ''
  url.password = ''
  url.hash = ''
  const shown = [...url.searchParams]
    .map(([name, value]) => {
      if (HARMLESS_PARAMETERS.has(name.toLowerCase())) return `${encodeURIComponent(name)}=${encodeURIComponent(value)}`
      // A name without a value, or a very long one, may be the secret itself, as in /file?SECRET.
      return value === '' || name.length > MAX_NAME_LENGTH ? '…' : `${encodeURIComponent(name)}=…`
    })
    .join('&')
  return `${url.origin}${url.pathname}${shown ? `?${shown}` : ''}`
}
