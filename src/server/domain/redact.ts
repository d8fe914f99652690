/** Query parameters that carry no secret and help to tell sources apart; every other value is cut. */
const HARMLESS_PARAMETERS = new Set(['versionid', 'version', 'v', 'format', 'download', 'filename', 'lang', 'page'])

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
  const names = [...url.searchParams.keys()]
  const shown = names
    .map((name) => {
      const harmless = HARMLESS_PARAMETERS.has(name.toLowerCase())
      return `${encodeURIComponent(name)}=${harmless ? encodeURIComponent(url.searchParams.get(name) ?? '') : '…'}`
    })
    .join('&')
  return `${url.origin}${url.pathname}${shown ? `?${shown}` : ''}`
}
