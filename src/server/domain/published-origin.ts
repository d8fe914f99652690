import { z } from 'zod'

const MAX_HEADERS = 32
const MAX_TTL_SECONDS = 365 * 24 * 3600
/** Fields that belong to the connection or to the range server; an origin's own settings may not change them. */
const RESERVED_HEADERS =
  /^(host|connection|content-.*|transfer-encoding|te|trailer|upgrade|keep-alive|proxy-.*|range|if-.*|accept-encoding|expect)$/i

const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]{0,8192}$/

const headers = z.record(z.string(), z.string()).superRefine((given, context) => {
  const refuse = (message: string) => context.addIssue({ code: 'custom', message })
  if (Object.keys(given).length > MAX_HEADERS) refuse(`An origin has at most ${MAX_HEADERS} headers.`)
  for (const [name, value] of Object.entries(given)) {
    if (!HEADER_NAME.test(name)) refuse('A header name has letters, digits and dashes, such as Authorization.')
    else if (RESERVED_HEADERS.test(name)) refuse(`The header ${name} is set by Sluice itself and cannot be given here.`)
    else if (!HEADER_VALUE.test(value))
      refuse(`The value of ${name} is one line of at most 8,192 characters, none beyond Latin-1.`)
  }
})

const baseUrl = z
  .string()
  .trim()
  .max(2_048, 'A base URL has at most 2,048 characters.')
  .superRefine((text, context) => {
    const problem = baseUrlProblem(text)
    if (problem) context.addIssue({ code: 'custom', message: problem })
  })

/** `origins.save`: with an `id`, headers left out stay as they are, and `{}` removes them. */
export const publishedOriginSaveSchema = z.object({
  id: z.uuid('An origin id is a UUID.').optional(),
  name: z
    .string()
    .trim()
    .regex(
      /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
      'A name has 1 to 63 lower-case letters, digits and dashes, because it is part of every link: /o/name/….',
    ),
  baseUrl,
  headers: headers.optional(),
  access: z.enum(['public', 'token', 'signed'], { error: 'Access is public, token or signed.' }),
  ttlSeconds: z
    .number()
    .int('The TTL is a whole number of seconds.')
    .min(0, 'The TTL is 0 seconds or more.')
    .max(MAX_TTL_SECONDS, 'The TTL is at most a year.')
    .nullish(),
  heuristicFreshness: z.boolean().default(false),
  sizeCapBytes: z.number().int().min(1, 'The size cap is at least one byte.').max(Number.MAX_SAFE_INTEGER).nullish(),
  lanes: z
    .number()
    .int('Lanes are a whole number.')
    .min(1, 'An origin has at least one lane.')
    .max(64, 'An origin has at most 64 lanes.')
    .nullish(),
  /** `2` is spoken where the origin chooses it in the TLS handshake; it is read over HTTP/1.1 otherwise. */
  httpVersion: z.enum(['1.1', '2'], { error: 'The HTTP version is 1.1 or 2.' }).default('1.1'),
})
export type PublishedOriginSave = z.input<typeof publishedOriginSaveSchema>
export type OriginHttpVersion = z.infer<typeof publishedOriginSaveSchema>['httpVersion']
export type OriginAccess = z.infer<typeof publishedOriginSaveSchema>['access']

/** `origins.signLink`. */
export const signLinkSchema = z.object({
  originId: z.uuid('An origin id is a UUID.'),
  /** Below the origin's base URL, with its query, as it is written in a link. */
  path: z.string().min(1, 'Give the path of the file.').max(4_096, 'A path has at most 4,096 characters.'),
  expiresInSeconds: z
    .number()
    .int('The life of a link is a whole number of seconds.')
    .min(1, 'A link lives at least a second.')
    .max(MAX_TTL_SECONDS, 'A link lives at most a year.'),
})

/** A published origin as the API shows it: of its headers only the names. */
export interface PublishedOriginView {
  id: string
  name: string
  baseUrl: string
  headerNames: string[]
  access: OriginAccess
  ttlSeconds: number | null
  heuristicFreshness: boolean
  sizeCapBytes: number | null
  lanes: number | null
  httpVersion: OriginHttpVersion
  /** Read lanes that were found to pay for its host, by whatever engine; null where nobody has found out. */
  learnedLanes: number | null
  createdAt: Date
  updatedAt: Date
}

/** What an engine needs to serve it, secrets included. Never leaves the engine. */
export interface ServedOrigin {
  readonly id: string
  readonly name: string
  readonly baseUrl: string
  /** Sent with every request to the origin, by lower-case name. */
  readonly headers: Readonly<Record<string, string>>
  /** Stands for the headers in the ids of cached objects: others give other objects. '' where there are none. */
  readonly credentialScope: string
  readonly access: OriginAccess
  readonly ttlSeconds: number | null
  readonly heuristicFreshness: boolean
  readonly sizeCapBytes: number | null
  readonly lanes: number | null
  readonly httpVersion: OriginHttpVersion
  readonly signingKey: { readonly id: string; readonly secret: string }
  /** Grows with each change, in milliseconds since 1970. */
  readonly updatedAtMs: number
}

/** What last kept a reader from its bytes, with a sentence that has no secret in it. */
const originFailureSchema = z.object({ code: z.string(), message: z.string(), atMs: z.number() })
export type OriginFailure = z.infer<typeof originFailureSchema>

/** An origin that is published and that an engine cannot serve, with the reason and what to do. */
export const unservedOriginSchema = z.object({ id: z.string(), name: z.string(), message: z.string() })
export type UnservedOrigin = z.infer<typeof unservedOriginSchema>

/** What an engine says about an origin it serves, with each heartbeat; counted since that engine started. */
export const originStatsSchema = z.object({
  originId: z.string(),
  breaker: z.enum(['closed', 'open', 'half-open']),
  /** When an open one lets the next request through, in milliseconds since 1970; null where it is not open. */
  breakerUntilMs: z.number().nullable().default(null),
  /** Requests of readers, and how they were answered: by the cache alone, or with bytes of the origin. */
  requests: z.number(),
  hits: z.number(),
  misses: z.number(),
  errors: z.number(),
  /** Bytes sent to readers, and bytes that the origin sent for them. */
  servedBytes: z.number(),
  originBytes: z.number(),
  activeReaders: z.number(),
  /** Of the latest requests, until the first byte of the answer; null where there were none. */
  p50Ms: z.number().nullable(),
  p95Ms: z.number().nullable(),
  p99Ms: z.number().nullable(),
  learnedLanes: z.number().nullable().optional(),
  /** Of the latest answers, some hundred at most, how many were errors; and the last one of them. */
  recentAnswers: z.number().default(0),
  recentErrors: z.number().default(0),
  lastFailure: originFailureSchema.nullable().default(null),
})
export type OriginStats = z.infer<typeof originStatsSchema>

/** What is wrong with the base URL of an origin, as a sentence, or null. */
export function baseUrlProblem(text: string): string | null {
  const example = 'such as https://files.example.org or https://files.example.org/public'
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) return `The base URL is an http or https address, ${example}.`
  const url = new URL(text)
  if (url.username !== '' || url.password !== '')
    return 'The base URL has a user name or a password in it. Take them out and give an Authorization header instead.'
  if (url.search !== '' || url.hash !== '' || /[?#]/.test(text))
    return `The base URL has no query and no fragment, ${example}.`
  if (url.port === '0') return 'The base URL has port 0, which nobody listens on.'
  return null
}

/** One form for each: as the URL standard writes it, without a slash at the end. */
export function normaliseBaseUrl(text: string): string {
  const url = new URL(text)
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '')
}
