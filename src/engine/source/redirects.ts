import { TransferError } from '../../server/domain/failure.ts'
import { redactUrl } from '../../server/domain/redact.ts'
import type { AddressGuard } from './address-guard.ts'

/** As many hops as are followed; honest chains have two or three. */
export const MAX_REDIRECTS = 5

/** Where a request goes, and whether the headers of the user still go with it. */
export interface Route {
  readonly url: URL
  readonly sendsUserHeaders: boolean
}

/** 301, 302, 303, 307, 308: for a GET they all mean the same. */
export function isRedirect(statusCode: number): boolean {
  return [301, 302, 303, 307, 308].includes(statusCode)
}

/**
 * The next hop (correctness.md cases 27 and 28). The guard judges it as it judged the first URL. Headers of the user stay behind
 * when the origin changes, for good; from https to http nothing that carries them is followed.
 * Throws address_refused, redirect_refused or source_protocol_error.
 */
export function nextRoute(guard: AddressGuard, from: Route, location: string | null, hasUserHeaders: boolean): Route {
  const here = redactUrl(from.url.href)
  if (location === null || location.trim() === '')
    throw new TransferError('source_protocol_error', `The source redirects to nowhere at ${here}. Check the link.`, {
      retry: 'later',
      facts: { url: here },
    })
  const url = checkedLocation(guard, from.url, location, here)
  if (from.url.protocol === 'https:' && url.protocol === 'http:' && hasUserHeaders)
    throw new TransferError(
      'redirect_refused',
      `${here} redirects from https to http, which would carry your headers in the open. Use the https link of the file itself.`,
      { facts: { from: here, to: redactUrl(url.href) } },
    )
  return { url, sendsUserHeaders: from.sendsUserHeaders && url.origin === from.url.origin }
}

/** More than MAX_REDIRECTS hops. */
export function tooManyRedirects(start: URL): TransferError {
  return new TransferError(
    'too_many_redirects',
    `${redactUrl(start.href)} redirects more than ${MAX_REDIRECTS} times, perhaps in a circle. Open it in a browser and use the link it ends at.`,
    { facts: { url: redactUrl(start.href) } },
  )
}

function checkedLocation(guard: AddressGuard, base: URL, location: string, here: string): URL {
  let text: string
  try {
    text = new URL(encodeRaw(location.trim()), base).href
  } catch {
    throw new TransferError(
      'source_protocol_error',
      `The source redirects to something that is no link at ${here}. Check the link in a browser.`,
      { retry: 'later', facts: { url: here } },
    )
  }
  try {
    return guard.checkUrl(text)
  } catch (error) {
    if (!(error instanceof TransferError)) throw error
    const code = error.code === 'address_refused' ? 'address_refused' : 'redirect_refused'
    throw new TransferError(code, `${here} redirects elsewhere, which was refused: ${error.message}`, {
      facts: { ...error.facts, from: here },
      cause: error,
    })
  }
}

/** Raw spaces and UTF-8 bytes in Location happen (case 27); they are escaped. Backslashes stay text, never slashes. */
function encodeRaw(location: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: whatever is not printable ASCII is escaped byte by byte.
  return location.replace(/[\u0000-\u0020\\\u007f-\u00ff]/g, (character) => {
    return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
  })
}
