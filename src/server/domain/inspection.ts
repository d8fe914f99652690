import { z } from 'zod'
import { bucketCapabilitiesSchema, bucketSaveSchema } from './bucket.ts'
import { type Failure, warningSchema } from './failure.ts'

/** Header names and values that go with each request to a source, e.g. Authorization or Cookie. */
export const sourceHeadersSchema = z.record(
  z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/, 'A header name has letters, digits and dashes.'),
  z
    .string()
    .max(8192, 'A header value has at most 8,192 characters.')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused here (RFC 9110 section 5.5).
    .regex(/^[^\u0000-\u0008\u000a-\u001f\u007f]*$/, 'A header value has no line breaks or control characters.')
    .regex(
      /^[^\u0100-\uffff]*$/,
      'A header value has no characters beyond Latin-1, such as curly quotes. Encode or retype it.',
    ),
)

export const sourceQuestionSchema = z.object({ url: z.string(), headers: sourceHeadersSchema.optional() })
export type SourceQuestion = z.infer<typeof sourceQuestionSchema>

/** What was found at a URL. */
const sourceAnswerSchema = z.object({
  /** The file name the source suggests, safe to use as a key. */
  name: z.string(),
  sizeBytes: z.number().nullable(),
  acceptsRanges: z.boolean(),
  etag: z.string().nullable(),
  lastModified: z.string().nullable(),
  contentType: z.string().nullable(),
  warnings: z.array(warningSchema),
})
export type SourceAnswer = z.infer<typeof sourceAnswerSchema>

export const bucketQuestionSchema = z.union([z.object({ bucketId: z.uuid() }), z.object({ draft: bucketSaveSchema })])
export type BucketQuestion = z.infer<typeof bucketQuestionSchema>

/** One thing that was tried on a bucket, as a sentence. */
const bucketCheckSchema = z.object({ name: z.string(), passed: z.boolean(), message: z.string() })
const bucketAnswerSchema = z.object({
  checks: z.array(bucketCheckSchema),
  capabilities: bucketCapabilitiesSchema,
  warnings: z.array(warningSchema),
})
export type BucketAnswer = z.infer<typeof bucketAnswerSchema>

/** Days after their start by which a bucket removes unfinished uploads, where Sluice installs the rule. */
export const LIFECYCLE_DAYS = 7

export interface LifecycleQuestion {
  bucketId: string
}

/** What became of the rule; `installed` is false where the bucket had one that does the same. */
const lifecycleAnswerSchema = z.object({ installed: z.boolean(), days: z.number(), message: z.string() })
export type LifecycleAnswer = z.infer<typeof lifecycleAnswerSchema>

/** How an engine answers an inspection: with one of the two. */
export type InspectionOutcome<T> = { result: T; failure: null } | { result: null; failure: Failure }

/** An inspection that no engine has answered by then is a failure. */
export const INSPECTION_TIMEOUT_MS = 15_000
