import { type NextRequest, NextResponse } from 'next/server'
import { guardHost, type Site } from './server/auth/request-guard.ts'
import { contentSecurityPolicy, SECURITY_HEADERS } from './server/auth/security-headers.ts'
import { readEnv } from './server/config/env.ts'
import { TransferError } from './server/domain/failure.ts'

let site: Site | undefined

/**
 * Before every page: the Host must be ours, and the answer carries the security headers with a script nonce of its own. The API
 * does not rely on this: its procedures check again, because a proxy can be bypassed (CVE-2025-29927).
 */
export function proxy(request: NextRequest): NextResponse {
  if (!site) {
    const env = readEnv()
    site = { host: env.SLUICE_HOST, port: env.PORT, publicUrl: env.SLUICE_PUBLIC_URL }
  }
  try {
    guardHost(site, request.headers)
  } catch (error) {
    if (!(error instanceof TransferError)) throw error
    return NextResponse.json({ failure: error.toFailure() }, { status: 403, headers: SECURITY_HEADERS })
  }
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

/** Built files are the same for everyone and carry no policy. */
export const config = { matcher: ['/((?!_next/static|_next/image).*)'] }
