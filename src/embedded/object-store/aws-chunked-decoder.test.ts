import fc from 'fast-check'
import { expect, test } from 'vitest'
import { AwsChunkedDecoder } from './aws-chunked-decoder.ts'
import { S3Error } from './s3-error.ts'
import { sha256, signedChunks, signHeaders } from './testing/signed-request.ts'
import { deriveSigningKey, type VerifiedSignature } from './verify-signature.ts'

// Amazon's examples: 65 KiB of the letter a in chunks of 64 KiB (sigv4-streaming and sigv4-streaming-trailers).
const AWS_SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'
const awsSeed = (signature: string, payloadHash: string): VerifiedSignature => ({
  payloadHash,
  signature,
  amzDate: '20130524T000000Z',
  scope: '20130524/us-east-1/s3/aws4_request',
  signingKey: deriveSigningKey(AWS_SECRET, '20130524', 'us-east-1'),
})

interface Options {
  signing: VerifiedSignature | null
  trailer: boolean
}

function decode(pieces: readonly Buffer[], options: Options): { data: Buffer; trailers: Map<string, string> } {
  const data: Buffer[] = []
  const decoder = new AwsChunkedDecoder({ ...options, onData: (bytes) => data.push(Buffer.from(bytes)) })
  for (const piece of pieces) decoder.push(piece)
  decoder.finish()
  return { data: Buffer.concat(data), trailers: decoder.trailers }
}

function codeOf(pieces: readonly Buffer[], options: Options): string {
  try {
    decode(pieces, options)
  } catch (error) {
    if (error instanceof S3Error) return error.code
    throw error
  }
  return 'passed'
}

const unsigned = { signing: null, trailer: true }
const unsignedBody = Buffer.from('5\r\nhello\r\n6\r\n world\r\n0\r\nx-amz-checksum-crc32:DUoRhQ==\r\n\r\n')

test("Amazon's example of signed chunks decodes", () => {
  const signing = awsSeed(
    '4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9',
    'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
  )
  const body = Buffer.concat([
    Buffer.from('10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n'),
    Buffer.alloc(65_536, 'a'),
    Buffer.from('\r\n400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n'),
    Buffer.alloc(1024, 'a'),
    Buffer.from('\r\n0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n'),
  ])
  expect(decode([body], { signing, trailer: false }).data.equals(Buffer.alloc(66_560, 'a'))).toBe(true)
})

test("Amazon's example of a signed trailer decodes", () => {
  const signing = awsSeed(
    '106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e',
    'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER',
  )
  const body = Buffer.concat([
    Buffer.from('10000;chunk-signature=b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2\r\n'),
    Buffer.alloc(65_536, 'a'),
    Buffer.from('\r\n400;chunk-signature=1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7\r\n'),
    Buffer.alloc(1024, 'a'),
    Buffer.from(
      '\r\n0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\nx-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n',
    ),
  ])
  const { data, trailers } = decode([body], { signing, trailer: true })
  expect(data.length).toBe(66_560)
  expect(trailers.get('x-amz-checksum-crc32c')).toBe('sOO8/Q==')
})

test('a body cut at any byte, or at every byte, decodes to the same', () => {
  for (let cut = 0; cut <= unsignedBody.length; cut++) {
    const { data, trailers } = decode([unsignedBody.subarray(0, cut), unsignedBody.subarray(cut)], unsigned)
    expect(data.toString()).toBe('hello world')
    expect(trailers.get('x-amz-checksum-crc32')).toBe('DUoRhQ==')
  }
  const bytes = [...unsignedBody].map((byte) => Buffer.of(byte))
  expect(decode(bytes, unsigned).data.toString()).toBe('hello world')
})

test('a body that ends early is incomplete wherever it ends before its last chunk', () => {
  const lastChunk = unsignedBody.indexOf('0\r\nx-amz') + 3
  for (let end = 0; end < lastChunk; end++)
    expect(codeOf([unsignedBody.subarray(0, end)], unsigned), `cut at ${end}`).toBe('IncompleteBody')
})

test.each([
  ['a chunk longer than it says', '3\r\nhello\r\n0\r\n\r\n', 'InvalidRequest'],
  ['a size that is no number', 'zz\r\nhello\r\n0\r\n\r\n', 'InvalidRequest'],
  ['a size without end', 'f'.repeat(5000), 'InvalidRequest'],
  ['bytes behind the end', '0\r\n\r\nmore', 'InvalidRequest'],
  ['a bare line feed', '5\nhello\r\n0\r\n\r\n', 'InvalidRequest'],
  ['a trailer without a colon', '0\r\nnonsense\r\n\r\n', 'MalformedTrailerError'],
  ['a trailer without end', `0\r\n${'a:b\r\n'.repeat(10_000)}`, 'MalformedTrailerError'],
])('%s is refused', (_name, body, code) => {
  expect(codeOf([Buffer.from(body)], unsigned)).toBe(code)
})

test('any bytes in any chunks, cut anywhere, come out as they went in, and not with one bit flipped', () => {
  const { signature } = signHeaders({
    method: 'PUT',
    target: '/b/k',
    host: 'h',
    payloadHash: 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER',
  })
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 200 }), { maxLength: 6 }),
      fc.array(fc.nat(2000), { maxLength: 5 }),
      fc.nat(),
      (chunks, cuts, flip) => {
        const whole = Buffer.concat(chunks)
        const body = signedChunks(
          chunks.map((chunk) => Buffer.from(chunk)),
          signature,
          { 'x-amz-checksum-sha256': sha256(whole) },
        )
        const at = [0, ...cuts.map((cut) => cut % (body.length + 1)).sort((a, b) => a - b), body.length]
        const pieces = at.slice(1).map((end, index) => body.subarray(at[index], end))
        const options = { signing: signature, trailer: true }
        expect(decode(pieces, options).data.equals(whole)).toBe(true)
        const bad = Buffer.from(body)
        const position = flip % bad.length
        bad[position] = (bad[position] ?? 0) ^ 1
        // Upper and lower case of hex sizes and of header names are the only bytes that may differ by a bit without harm.
        if (codeOf([bad], options) === 'passed') expect(decode([bad], options).data.equals(whole)).toBe(true)
      },
    ),
    { numRuns: 200 },
  )
})
