import { TransferError } from '../domain/failure.ts'

/** Where this web process is, and the address people use. */
export interface Site {
  /** SLUICE_HOST, the loopback address it listens on. */
  host: string
  port: number
  /** SLUICE_PUBLIC_URL without a slash at its end. */
  publicUrl: string
}

const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]']

/**
 * Refuses what another site's page, or a name that was re-pointed at this machine (DNS rebinding), could send. The Host must be
 * ours; an Origin, when sent, must be ours; a browser's cross-site request is refused but for a top-level navigation by GET, which
 * only shows a page. Throws `forbidden_origin`.
 */
export function guardRequest(site: Site, method: string, headers: Headers): void {
  guardHost(site, headers)
  const origin = headers.get('origin')
  if (origin !== null && !allowedOrigins(site).has(origin.toLowerCase()))
    throw forbidden(
      site,
      `The request comes from a page of ${origin === 'null' ? 'an unknown site' : printable(origin)}`,
    )
  const fetchSite = headers.get('sec-fetch-site')
  const isNavigation = method === 'GET' && headers.get('sec-fetch-mode') === 'navigate' && isTopLevel(headers)
  if (fetchSite !== null && fetchSite !== 'same-origin' && fetchSite !== 'none' && !isNavigation)
    throw forbidden(site, "The request comes from another site's page")
}

/** The Host part of the guard alone. Throws `forbidden_origin`. */
export function guardHost(site: Site, headers: Headers): void {
  const host = headers.get('host')?.toLowerCase() ?? ''
  if (!allowedHosts(site).has(host))
    throw forbidden(site, host === '' ? 'The request names no host' : `The request is for the host ${printable(host)}`)
}

export const JSON_ONLY = 'A POST to the API carries JSON and says so: send the header "content-type: application/json".'

/** A body must be JSON: forms of other sites cannot send that without asking first. Throws `forbidden_origin`. */
export function guardContentType(method: string, headers: Headers): void {
  const type = headers.get('content-type')?.split(';')[0]?.trim().toLowerCase()
  if (method === 'POST' && type !== 'application/json') throw new TransferError('forbidden_origin', JSON_ONLY)
}

function allowedHosts(site: Site): Set<string> {
  const names = hostNames(site).flatMap((name) => (site.port === 80 ? [name, `${name}:80`] : [`${name}:${site.port}`]))
  return new Set([...names, new URL(site.publicUrl).host])
}

function allowedOrigins(site: Site): Set<string> {
  const names = hostNames(site).map((name) => new URL(`http://${name}:${site.port}`).origin)
  return new Set([...names, new URL(site.publicUrl).origin])
}

function hostNames(site: Site): string[] {
  const host = site.host.toLowerCase()
  return [...LOOPBACK_NAMES, host.includes(':') && !host.startsWith('[') ? `[${host}]` : host]
}

function isTopLevel(headers: Headers): boolean {
  const destination = headers.get('sec-fetch-dest')
  return destination === null || destination === 'document'
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 200)
}

function forbidden(site: Site, what: string): TransferError {
  return new TransferError(
    'forbidden_origin',
    `${what}, but Sluice answers only at ${site.publicUrl}. Open that address, or set SLUICE_PUBLIC_URL to the one you use.`,
  )
}
