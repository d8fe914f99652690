import { type NextRequest, NextResponse } from 'next/server'
import { guardRequest, type Site } from './server/auth/request-guard.ts'
import { contentSecurityPolicy, SECURITY_HEADERS } from './server/auth/security-headers.ts'
import { readEnv } from './server/config/env.ts'
import { type Failure, TransferError } from './server/domain/failure.ts'

let site: Site | undefined

/**
 * Before every page: the Host must be ours, no other site's page may ask, pages are only read, and the answer carries the security
 * headers with a script nonce of its own. The API does not rely on this: a proxy can be bypassed (CVE-2025-29927).
 */
export function proxy(request: NextRequest): NextResponse {
  if (!site) {
    const env = readEnv()
    site = { host: env.SLUICE_HOST, port: env.PORT, publicUrl: env.SLUICE_PUBLIC_URL }
  }
  try {
    guardRequest(site, request.method, request.headers)
  } catch (error) {
    if (!(error instanceof TransferError)) throw error
    return refuse(error.toFailure(), 403)
  }
  // There are no server actions, so the parser that Next has for them need not be reached.
  if (!request.nextUrl.pathname.startsWith('/api/') && request.method !== 'GET' && request.method !== 'HEAD')
    return refuse({ code: 'invalid_input', message: 'Pages are only read: use GET, or the API.', retry: 'never' }, 405)
  const nonce = btoa(crypto.randomUUID())
  const policy = contentSecurityPolicy({ nonce, isDevelopment: process.env.NODE_ENV === 'development' })
  const headers = new Headers(request.headers)
  headers.set('x-nonce', nonce)
  headers.set('content-security-policy', policy)
  const response = NextResponse.next({ request: { headers } })
  response.headers.set('content-security-policy', policy)
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.headers.set(name, value)
  return response
}

/** An answer in place of a page; nothing in it is run, framed or kept. */
function refuse(failure: Failure, status: number): NextResponse {
  const policy = "default-src 'none'; frame-ancestors 'none'"
  const headers = { ...SECURITY_HEADERS, 'content-security-policy': policy, 'cache-control': 'no-store' }
  return NextResponse.json(
    { failure },
    { status, headers: status === 405 ? { ...headers, allow: 'GET, HEAD' } : headers },
  )
}

/** Built files are the same for everyone; next.config.js gives them their headers. */
export const config = { matcher: ['/((?!_next/static|_next/image).*)'] }
