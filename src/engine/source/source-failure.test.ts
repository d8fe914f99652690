import { expect, test } from 'vitest'
import { TransferError } from '../../server/domain/failure.ts'
import { malformed } from './http1/wire-error.ts'
import { connectionFailure } from './source-failure.ts'

const url = new URL('https://files.example:8443/a?sig=canary')
const failure = (code: string, stage: 'waiting' | 'head' | 'body' = 'waiting') =>
  connectionFailure(Object.assign(new Error('raw text with canary'), { code }), { url, stage, receivedBytes: 7 })

test.each([
  ['ENOTFOUND', 'host_not_found', 'never', /no host named files\.example/],
  ['EAI_AGAIN', 'host_not_found', 'later', /DNS/],
  ['ECONNREFUSED', 'connection_refused', 'later', /refused/],
  ['EHOSTUNREACH', 'connection_refused', 'later', /no route/],
  ['ENETUNREACH', 'connection_refused', 'later', /no route/],
  ['UND_ERR_CONNECT_TIMEOUT', 'connect_timeout', 'later', /firewall/],
  ['ETIMEDOUT', 'connect_timeout', 'later', /firewall/],
  ['CERT_HAS_EXPIRED', 'tls_failed', 'never', /certificate has expired/],
  ['CERT_NOT_YET_VALID', 'tls_failed', 'never', /clock of this machine/],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'tls_failed', 'never', /another host name/],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'tls_failed', 'never', /NODE_EXTRA_CA_CERTS/],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'tls_failed', 'never', /authority/],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'tls_failed', 'never', /does not speak TLS/],
  ['EPROTO', 'tls_failed', 'never', /does not speak TLS/],
  ['UND_ERR_HEADERS_OVERFLOW', 'source_protocol_error', 'never', /header bytes/],
  ['UND_ERR_INVALID_ARG', 'invalid_input', 'never', /ASCII/],
  ['ECONNRESET', 'connection_lost', 'now', /broke before it answered/],
  ['EPIPE', 'connection_lost', 'now', /check that the server still answers/],
])('%s becomes %s, retry %s, with a sentence', (raw, code, retry, sentence) => {
  const made = failure(raw)
  expect(made).toMatchObject({ code, retry })
  expect(made.message).toMatch(sentence)
  expect(JSON.stringify([made.message, made.facts])).not.toContain('canary')
})

test('the stage decides: a close in the body is a truncation, a late ETIMEDOUT a lost connection', () => {
  expect(failure('UND_ERR_SOCKET', 'body').code).toBe('source_truncated')
  expect(failure('UND_ERR_SOCKET', 'head').code).toBe('connection_lost')
  expect(failure('ETIMEDOUT', 'body').code).toBe('connection_lost')
})

test('what is malformed about an answer is said', () => {
  const at = { url, stage: 'head', receivedBytes: 0 } as const
  const made = connectionFailure(malformed('it has more than one Content-Length'), at)
  expect(made).toMatchObject({ code: 'source_protocol_error', retry: 'later' })
  expect(made.message).toContain('is not valid HTTP: it has more than one Content-Length. Check')
})

test('several attempts that failed count as the first of them', () => {
  const attempts = ['ECONNREFUSED', 'ENETUNREACH'].map((code) => Object.assign(new Error(code), { code }))
  const made = connectionFailure(new AggregateError(attempts), { url, stage: 'waiting', receivedBytes: 0 })
  expect(made.code).toBe('connection_refused')
})

test('a TransferError passes as it is', () => {
  const refused = new TransferError('address_refused', 'no')
  expect(connectionFailure(refused, { url, stage: 'waiting', receivedBytes: 0 })).toBe(refused)
})
