import { normalizeChecksum } from '../../server/domain/checksum.ts'
import type { ChecksumAlgorithm, SourceDigest } from '../../server/domain/transfer.ts'
import { headerOf, type ResponseHead } from './http-transport.ts'
import { contentEncodingOf } from './range-proof.ts'

/** Names of RFC 9530, RFC 3230 and x-goog-hash for what Sluice can compute; others are left aside. */
const NAMES: Readonly<Record<string, ChecksumAlgorithm>> = {
  md5: 'md5',
  sha: 'sha1',
  'sha-1': 'sha1',
  'sha-256': 'sha256',
  'sha-512': 'sha512',
  crc32: 'crc32',
  crc32c: 'crc32c',
}
const AMZ: readonly ChecksumAlgorithm[] = ['crc32', 'crc32c', 'crc64nvme', 'sha1', 'sha256']

/**
 * The digests of the whole file that an answer carries (correctness.md case 34, product.md A11): Repr-Digest (RFC 9530), Digest
 * (RFC 3230), x-goog-hash, x-amz-checksum-* of the full object, the MD5 of Azure, Content-MD5 and Content-Digest where the answer is
 * the whole file, and an ETag of S3 where it looks like an MD5. A compressed answer has none: they would be of other bytes.
 */
export function sourceDigests(head: ResponseHead): SourceDigest[] {
  if (contentEncodingOf(head) !== null) return []
  const found = new Map<string, SourceDigest>()
  const add = (algorithm: ChecksumAlgorithm | undefined, text: string, header: string) => {
    const value = algorithm && normalizeChecksum(algorithm, text)
    if (algorithm && value && !found.has(algorithm)) found.set(algorithm, { algorithm, value, header })
  }
  const whole = head.statusCode === 200
  for (const header of whole ? ['repr-digest', 'content-digest'] : ['repr-digest'])
    for (const [name, value] of members(headerOf(head, header)))
      add(NAMES[name.toLowerCase()], value.replace(/^:|:$/g, ''), header)
  for (const header of ['digest', 'x-goog-hash'])
    for (const [name, value] of members(headerOf(head, header))) add(NAMES[name.toLowerCase()], value, header)
  // A value with "-N" behind it is a checksum of the checksums of parts.
  const isComposite = headerOf(head, 'x-amz-checksum-type')?.toUpperCase() === 'COMPOSITE'
  for (const algorithm of isComposite ? [] : AMZ)
    add(algorithm, headerOf(head, `x-amz-checksum-${algorithm}`)?.trim() ?? '', `x-amz-checksum-${algorithm}`)
  add('md5', headerOf(head, 'x-ms-blob-content-md5')?.trim() ?? '', 'x-ms-blob-content-md5')
  if (whole) add('md5', headerOf(head, 'content-md5')?.trim() ?? '', 'content-md5')
  const etag = s3Md5(head)
  if (etag) add('md5', etag, 'etag')
  return [...found.values()]
}

/**
 * Whether a digest that differs shows another file. An ETag only looks like an MD5: where it is equal it proves much, where it
 * differs it was none.
 */
export function isCertain(digest: SourceDigest): boolean {
  return digest.header !== 'etag'
}

/** The hexadecimal MD5 in the ETag of an S3 object that was put in one piece and is not encrypted with a key of its own. */
function s3Md5(head: ResponseHead): string | null {
  if (headerOf(head, 'x-amz-request-id') === null && headerOf(head, 'x-amz-id-2') === null) return null
  if (/^aws:kms/i.test(headerOf(head, 'x-amz-server-side-encryption') ?? '')) return null
  if (headerOf(head, 'x-amz-server-side-encryption-customer-algorithm') !== null) return null
  return /^"([0-9a-f]{32})"$/i.exec(headerOf(head, 'etag')?.trim() ?? '')?.[1] ?? null
}

/** `name=value` members of a list; base64 may end in "=", so only the first one divides. */
function members(text: string | null): [name: string, value: string][] {
  return (text ?? '').split(',').flatMap((member): [string, string][] => {
    const at = member.indexOf('=')
    return at < 1 ? [] : [[member.slice(0, at).trim(), member.slice(at + 1).trim()]]
  })
}
