import { expect, test } from 'vitest'
import { parseQuery, type SignedRequest } from './canonical-request.ts'
import { S3Error } from './s3-error.ts'
import { presign, signHeaders, TEST_KEYS } from './testing/signed-request.ts'
import { verifySignature } from './verify-signature.ts'

// The examples of Amazon's "Signature Calculations for the Authorization Header" and "Authenticating Requests: Using Query Parameters".
const AWS_KEYS = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  region: 'us-east-1',
}
const AWS_NOW = Date.parse('2013-05-24T00:00:00Z')
const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

function signedRequest(method: string, target: string, headers: Record<string, string | string[]>): SignedRequest {
  const [rawPath = '/', query = ''] = target.split('?', 2)
  return {
    method,
    rawPath,
    query: parseQuery(query),
    headers: new Map(Object.entries(headers).map(([name, value]) => [name, [value].flat()])),
  }
}

function awsExample(method: string, target: string, headers: Record<string, string>, signature: string): SignedRequest {
  const all: Record<string, string> = {
    host: 'examplebucket.s3.amazonaws.com',
    'x-amz-date': '20130524T000000Z',
    ...headers,
  }
  const names = Object.keys(all)
    .filter((name) => all[name] !== undefined)
    .sort()
  all.authorization = `AWS4-HMAC-SHA256 Credential=${AWS_KEYS.accessKeyId}/20130524/us-east-1/s3/aws4_request,SignedHeaders=${names.join(';')},Signature=${signature}`
  return signedRequest(method, target, all)
}

const codeOf = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    if (error instanceof S3Error) return error.code
    throw error
  }
  return 'passed'
}

test.each([
  [
    'GET',
    '/test.txt',
    { range: 'bytes=0-9', 'x-amz-content-sha256': EMPTY },
    'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
  ],
  [
    'PUT',
    '/test%24file.text',
    {
      date: 'Fri, 24 May 2013 00:00:00 GMT',
      'x-amz-storage-class': 'REDUCED_REDUNDANCY',
      'x-amz-content-sha256': '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072',
    },
    '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
  ],
  [
    'GET',
    '/?lifecycle',
    { 'x-amz-content-sha256': EMPTY },
    'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
  ],
  [
    'GET',
    '/?prefix=J&max-keys=2',
    { 'x-amz-content-sha256': EMPTY },
    '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
  ],
])(
  "Amazon's example of a signed %s %s verifies, and not with one character changed",
  (method, target, headers, signature) => {
    const given = Object.fromEntries(
      Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined),
    )
    expect(verifySignature(awsExample(method, target, given, signature), AWS_KEYS, AWS_NOW).signature).toBe(signature)
    const wrong = signature.replace(/^./, (digit) => (digit === '0' ? '1' : '0'))
    expect(codeOf(() => verifySignature(awsExample(method, target, given, wrong), AWS_KEYS, AWS_NOW))).toBe(
      'SignatureDoesNotMatch',
    )
  },
)

test("Amazon's example of a presigned address verifies until it expires", () => {
  const target =
    '/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404'
  const request = signedRequest('GET', target, { host: 'examplebucket.s3.amazonaws.com' })
  expect(verifySignature(request, AWS_KEYS, AWS_NOW).payloadHash).toBe('UNSIGNED-PAYLOAD')
  expect(codeOf(() => verifySignature(request, AWS_KEYS, AWS_NOW + 86_399_000))).toBe('passed')
  expect(codeOf(() => verifySignature(request, AWS_KEYS, AWS_NOW + 86_400_000))).toBe('AccessDenied')
  expect(codeOf(() => verifySignature(request, AWS_KEYS, AWS_NOW - 16 * 60_000))).toBe('AccessDenied')
})

const NOW = Date.parse('2026-11-21T10:00:00Z')

function ours(
  overrides: { target?: string; headers?: Record<string, string>; keys?: typeof AWS_KEYS; at?: Date } = {},
) {
  const target = overrides.target ?? '/box/key'
  const { headers } = signHeaders({
    method: 'GET',
    target,
    host: 'store',
    payloadHash: EMPTY,
    at: overrides.at ?? new Date(NOW),
    ...(overrides.headers ? { headers: overrides.headers } : {}),
    ...(overrides.keys ? { keys: overrides.keys } : {}),
  })
  return { target, headers }
}

test('a wrong key id, a wrong secret and a wrong region are refused with the code S3 has for each', () => {
  const verdict = (keys: typeof AWS_KEYS) => {
    const { target, headers } = ours({ keys })
    return codeOf(() => verifySignature(signedRequest('GET', target, headers), TEST_KEYS, NOW))
  }
  expect(verdict(TEST_KEYS as unknown as typeof AWS_KEYS)).toBe('passed')
  expect(verdict({ ...TEST_KEYS, accessKeyId: 'OTHER' })).toBe('InvalidAccessKeyId')
  expect(verdict({ ...TEST_KEYS, secretAccessKey: 'other' })).toBe('SignatureDoesNotMatch')
  expect(verdict({ ...TEST_KEYS, region: 'eu-west-1' })).toBe('AuthorizationHeaderMalformed')
})

test('a clock that is more than 15 minutes off is refused in both directions', () => {
  const verdict = (minutes: number) => {
    const { target, headers } = ours({ at: new Date(NOW + minutes * 60_000) })
    return codeOf(() => verifySignature(signedRequest('GET', target, headers), TEST_KEYS, NOW))
  }
  expect([verdict(-15), verdict(15)]).toEqual(['passed', 'passed'])
  expect([verdict(-16), verdict(16)]).toEqual(['RequestTimeTooSkewed', 'RequestTimeTooSkewed'])
})

test('an unsigned request, Signature Version 2 and half an Authorization are refused', () => {
  const verdict = (headers: Record<string, string>) =>
    codeOf(() => verifySignature(signedRequest('GET', '/box/key', { host: 'store', ...headers }), TEST_KEYS, NOW))
  expect(verdict({})).toBe('AccessDenied')
  expect(verdict({ authorization: 'AWS TESTKEY:abc' })).toBe('InvalidRequest')
  expect(verdict({ authorization: 'AWS4-HMAC-SHA256 Credential=x' })).toBe('AuthorizationHeaderMalformed')
})

test('an x-amz header that was added behind the signature is refused', () => {
  const { target, headers } = ours()
  const added = { ...headers, 'x-amz-copy-source': 'box/secret' }
  expect(codeOf(() => verifySignature(signedRequest('GET', target, added), TEST_KEYS, NOW))).toBe('AccessDenied')
})

test('a query parameter that was added behind the signature is refused', () => {
  const { headers } = ours()
  expect(codeOf(() => verifySignature(signedRequest('GET', '/box/key?acl', headers), TEST_KEYS, NOW))).toBe(
    'SignatureDoesNotMatch',
  )
})

test('blanks around and inside header values are normalised, and repeated headers are joined, as clients sign them', () => {
  const { headers } = ours({ headers: { 'x-amz-meta-a': 'one  two', 'x-amz-meta-b': '1,2' } })
  const onTheWire = { ...headers, 'x-amz-meta-a': '  one    two ', 'x-amz-meta-b': ['1', ' 2'] }
  expect(codeOf(() => verifySignature(signedRequest('GET', '/box/key', onTheWire), TEST_KEYS, NOW))).toBe('passed')
})

test('duplicate query names, a slash in a value and paths with dots and double slashes verify as sent', () => {
  for (const target of ['/box/a//b/../c', '/box?x=2&x=1&y=a%2Fb', '/box/%E2%82%AC%20%2B', "/box/it's(1)!*"]) {
    const { headers } = ours({ target })
    expect(
      codeOf(() => verifySignature(signedRequest('GET', target, headers), TEST_KEYS, NOW)),
      target,
    ).toBe('passed')
  }
})

test('a presigned address of more than a week, or with another method, is refused', () => {
  const verdict = (method: string, expiresSeconds: number) => {
    const target = presign({ method: 'GET', target: '/box/key', host: 'store', at: new Date(NOW), expiresSeconds })
    return codeOf(() => verifySignature(signedRequest(method, target, { host: 'store' }), TEST_KEYS, NOW + 1000))
  }
  expect(verdict('GET', 60)).toBe('passed')
  expect(verdict('PUT', 60)).toBe('SignatureDoesNotMatch')
  expect(verdict('GET', 604_801)).toBe('AuthorizationQueryParametersError')
})
