import type { Warning } from '../../server/domain/failure.ts'
import type { IdentityProof } from './identity.ts'
import type { SourceIdentity } from './source.ts'

/** Why ranges cannot be used: Range was ignored, the answer to it was wrong, the answer was compressed, or the link works once. */
export type RangeRefusal = 'ignored' | 'malformed' | 'encoded' | 'one-time'

const LOGIN_PATH = /(^|[/._-])(log[-_]?in|sign[-_]?in|sso|saml2?|oauth2?|auth|authenticate|authorize)([/._-]|$)/i
const HTML_NAME = /\.(x?html?|shtml|php|aspx?|jsp)$/i

/** Remarks on what was found, each a sentence with what to do. */
export function probeWarnings(found: {
  readonly name: string
  readonly identity: SourceIdentity
  readonly proof: IdentityProof
  readonly refusal: RangeRefusal | null
  readonly encoding: string | null
  readonly contentType: string | null
  readonly disposition: string | null
  readonly start: URL
  readonly end: URL
}): Warning[] {
  const warnings: Warning[] = []
  if (looksLikePage(found))
    warnings.push({
      code: 'html_page',
      message:
        'This answers with a web page, perhaps a sign-in page, not with a file. Open the link in a private window; if it asks you to sign in, give a Cookie or Authorization header under Options.',
    })
  if (found.refusal === 'encoded' || found.encoding !== null)
    warnings.push({
      code: 'encoded',
      message: `The source sends the file compressed (${found.encoding ?? 'encoded'}) although it was asked not to. The object will hold the compressed bytes, as they come.`,
    })
  if (found.refusal !== null && found.identity.sizeBytes !== 0)
    warnings.push({ code: 'no_ranges', message: `${REFUSAL[found.refusal]} ${ONE_STREAM}` })
  if (found.identity.sizeBytes === null)
    warnings.push({
      code: 'unknown_size',
      message: 'The source does not say how big the file is, so there is no progress in percent and no time left.',
    })
  if (found.refusal === null && (found.proof === 'size' || found.proof === 'none') && found.identity.sizeBytes !== 0)
    warnings.push({
      code: 'size_only',
      message:
        'The source gives neither a strong ETag nor Last-Modified: a change of the file that keeps its size would go unnoticed. Give an expected checksum to be sure.',
    })
  if (found.start.protocol === 'https:' && found.end.protocol === 'http:')
    warnings.push({
      code: 'insecure_redirect',
      message: 'The link begins with https but redirects to http: nobody vouches for the bytes on their way.',
    })
  return warnings
}

const REFUSAL: Record<RangeRefusal, string> = {
  ignored: 'The source ignores range requests.',
  malformed: 'The source answers range requests wrongly.',
  encoded: 'Ranges of a compressed answer are not ranges of the file.',
  'one-time': 'The link works once.',
}
const ONE_STREAM = 'It is read as one stream, and a break means starting from the beginning.'

/** HTML where the link does not look like a page, or after a redirect to a place where people sign in. */
function looksLikePage(found: {
  readonly contentType: string | null
  readonly disposition: string | null
  readonly name: string
  readonly start: URL
  readonly end: URL
}): boolean {
  if (!/^\s*(text\/html|application\/xhtml\+xml)\b/i.test(found.contentType ?? '')) return false
  if (/^\s*attachment\b/i.test(found.disposition ?? '')) return false
  const wasRedirected = found.start.href !== found.end.href
  if (wasRedirected && LOGIN_PATH.test(found.end.pathname)) return true
  return !HTML_NAME.test(found.start.pathname)
}
