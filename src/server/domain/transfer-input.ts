import { z } from 'zod'
import { GIB, MIB } from './bytes.ts'
import { DIGEST_BYTES, normalizeChecksum } from './checksum.ts'
import { sourceHeadersSchema } from './inspection.ts'
import { checksumAlgorithmSchema, transferStatusSchema } from './transfer.ts'

/** S3's limits: 10,000 parts of 5 MiB to 5 GiB, so an object has at most 48.8 TiB. */
export const MAX_PARTS = 10_000
export const MIN_PART_BYTES = 5 * MIB
export const MAX_PART_BYTES = 5 * GIB
export const MAX_OBJECT_BYTES = MAX_PARTS * MAX_PART_BYTES

/**
 * Says what is wrong with an object key, or null. S3 takes 1 to 1,024 bytes of UTF-8; dot segments and control characters
 * are refused because clients and consoles mangle them.
 */
export function keyProblem(key: string): string | null {
  if (key.length === 0) return 'The key is empty. Give the object a name, such as backups/file.tar.'
  if (new TextEncoder().encode(key).length > 1024)
    return 'The key is longer than 1,024 bytes, the limit of S3. Shorten it.'
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused here.
  if (/[\u0000-\u001f\u007f]/.test(key))
    return 'The key has a control character, such as a line break or a tab. Remove it.'
  if (key.split('/').some((segment) => segment === '..' || segment === '.'))
    return 'The key has a "." or ".." segment, which many S3 clients cannot open. Write the path without it.'
  if (key.startsWith('/')) return 'The key begins with "/". S3 keys begin with a name; remove the slash.'
  if (key.endsWith('/')) return 'The key ends with "/", which is a folder. Add a file name.'
  if (!key.isWellFormed()) return 'The key is not valid Unicode. Type it again.'
  return null
}

const keySchema = z.string().superRefine((key, context) => {
  const problem = keyProblem(key)
  if (problem) context.addIssue({ code: 'custom', message: problem })
})

/**
 * Says what is wrong with a source URL as typed, or null. Looks at the raw text first, because URL parsers quietly repair
 * white space, backslashes and control characters (reliability.md section 3).
 */
export function sourceUrlProblem(text: string): { code: 'invalid_url' | 'unsupported_scheme'; message: string } | null {
  if (text.length === 0)
    return {
      code: 'invalid_url',
      message: 'The source URL is empty. Paste a link that begins with https:// or http://.',
    }
  if (text.length > 8192)
    return { code: 'invalid_url', message: 'The source URL is longer than 8,192 characters. Use a shorter link.' }
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(text)?.[1]?.toLowerCase()
  if (scheme && scheme !== 'http' && scheme !== 'https' && !/^[^/]*:\d+(\/|$)/.test(text))
    return {
      code: 'unsupported_scheme',
      message: `Sluice reads http:// and https:// links, not ${scheme}:. Use a web link to the file.`,
    }
  if (!/^https?:\/\//i.test(text))
    return { code: 'invalid_url', message: 'This is not a web link. A source begins with https:// or http://.' }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused here.
  if (/[\s\u0000-\u001f\u007f\\]/.test(text))
    return {
      code: 'invalid_url',
      message: 'The link has white space, a backslash or a control character. Encode it, e.g. a space as %20.',
    }
  let url: URL
  try {
    url = new URL(text)
  } catch {
    return { code: 'invalid_url', message: 'This link cannot be read as a URL. Check the host name and the port.' }
  }
  if (url.username || url.password)
    return {
      code: 'invalid_url',
      message: 'The link carries a user name or password. Send them as an Authorization header under Options instead.',
    }
  if (url.port === '0') return { code: 'invalid_url', message: 'Port 0 cannot be connected to. Check the link.' }
  return null
}

const sourceUrlSchema = z
  .string()
  .trim()
  .superRefine((text, context) => {
    const problem = sourceUrlProblem(text)
    if (problem) context.addIssue({ code: 'custom', message: problem.message, params: { failure: problem.code } })
  })

const expectedChecksumSchema = z
  .object({ algorithm: z.string().trim().toLowerCase().pipe(checksumAlgorithmSchema), value: z.string().trim() })
  .superRefine(({ algorithm, value }, context) => {
    if (normalizeChecksum(algorithm, value) !== null) return
    const bytes = DIGEST_BYTES[algorithm]
    context.addIssue({
      code: 'custom',
      path: ['value'],
      message: `A ${algorithm} value is ${bytes * 2} hexadecimal digits, or ${Math.ceil(bytes / 3) * 4} characters of base64.`,
    })
  })

/** `transfers.create`. Everything but the source and the bucket has a default. */
export const transferInputSchema = z.object({
  sourceUrl: sourceUrlSchema,
  bucketId: z.uuid('Choose a bucket.'),
  key: keySchema.optional(),
  sourceHeaders: sourceHeadersSchema.optional(),
  partSizeBytes: z
    .number()
    .int()
    .min(MIN_PART_BYTES, 'A part has at least 5 MiB, the limit of S3.')
    .max(MAX_PART_BYTES, 'A part has at most 5 GiB, the limit of S3.')
    .optional(),
  partSizing: z.enum(['auto', 'table']).optional(),
  lanes: z.number().int().min(1, 'At least 1 upload lane.').max(20, 'At most 20 upload lanes.').optional(),
  bandwidthLimitBytesPerSecond: z
    .number()
    .int()
    .positive('A bandwidth limit is more than 0; leave it out for none.')
    .optional(),
  priority: z.number().int().min(-100).max(100).optional(),
  expectedChecksum: expectedChecksumSchema.optional(),
  ifExists: z.enum(['overwrite', 'skip', 'fail']).optional(),
  startAt: z.date().optional(),
  /** For sources whose ETag differs without a change (nodes of a CDN): length and Last-Modified pin the file. */
  trustLengthAndDate: z.boolean().optional(),
  /** The link answers once: read in one stream from its first answer. */
  oneTimeLink: z.boolean().optional(),
})
export type TransferInput = z.infer<typeof transferInputSchema>

export const transferListSchema = z.object({
  status: z.union([transferStatusSchema, z.array(transferStatusSchema)]).optional(),
  search: z.string().max(512).optional(),
  cursor: z.string().optional(),
  limit: z.number().int().min(1).max(200).optional(),
})
export type TransferListQuery = z.infer<typeof transferListSchema>

/** What may be read in a second, as it is set while bytes flow. */
export const bandwidthLimitSchema = z
  .number()
  .int('A bandwidth limit is a whole number of bytes per second.')
  .min(1024, 'A bandwidth limit is at least 1,024 bytes per second; null lifts it.')
