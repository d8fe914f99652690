import { createHash, createHmac } from 'node:crypto'
import { HeadObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { SignatureV4 } from '@smithy/signature-v4'
import { describe, expect, it } from 'vitest'
import { createPartSigner, type PartToSign } from './sign-part.ts'

const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }
const at = new Date('2026-11-21T02:03:04.567Z')

/** Node's hashes in the shape that the SDK's signer asks for. */
class Sha256 {
  private readonly hash
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.hash =
      secret === undefined
        ? createHash('sha256')
        : createHmac('sha256', Buffer.from(secret as Uint8Array) as Uint8Array)
  }
  update(data: string | Uint8Array) {
    this.hash.update(data)
  }
  digest() {
    return Promise.resolve(new Uint8Array(this.hash.digest()))
  }
  reset() {}
}

const sdkSigner = new SignatureV4({
  service: 's3',
  region: 'eu-central-1',
  credentials,
  sha256: Sha256,
  uriEscapePath: false,
  applyChecksum: false,
})

const part = (changes: Partial<PartToSign>): PartToSign => ({
  key: 'folder/file.bin',
  part: { uploadId: '2~abcDEF._-+/=', number: 17 },
  payloadHash: 'UNSIGNED-PAYLOAD',
  headers: {},
  at,
  ...changes,
})

async function signedBySdk(toSign: PartToSign, origin: string, path: string) {
  const url = new URL(origin)
  const signed = await sdkSigner.sign(
    {
      method: 'PUT',
      protocol: url.protocol,
      hostname: url.hostname,
      path,
      query: toSign.part ? { partNumber: String(toSign.part.number), uploadId: toSign.part.uploadId } : {},
      headers: { ...toSign.headers, host: url.host, 'x-amz-content-sha256': toSign.payloadHash },
    },
    { signingDate: at },
  )
  return signed.headers.authorization
}

const HOSTILE_KEYS = [
  'plain.bin',
  'two words and  three',
  'plus+and&and=and?and#and%41',
  'double//slash',
  '/leading',
  'trailing/',
  'quotes\'and"and(parentheses)*!~',
  'ünïcödé/日本語/🎬.mkv',
  'a:b;c,d@e$f',
  '.hidden/..dots',
]

describe('createPartSigner', () => {
  for (const key of HOSTILE_KEYS)
    for (const forcePathStyle of [true, false])
      it(`signs ${JSON.stringify(key)} as the SDK's signer does, ${forcePathStyle ? 'path' : 'virtual-host'} style`, async () => {
        const connection = {
          ...credentials,
          endpoint: 'https://s3.example.org:8443',
          region: 'eu-central-1',
          bucket: 'media',
          forcePathStyle,
        }
        const signer = createPartSigner(connection)
        const toSign = part({
          key,
          headers: { 'x-amz-checksum-crc32c': '4waSgw==', 'x-amz-sdk-checksum-algorithm': 'CRC32C' },
        })
        const { path, headers } = signer.sign(toSign)
        expect(headers.authorization).toBe(await signedBySdk(toSign, signer.origin, path.split('?')[0] as string))

        // The path and host, too, are those that the SDK asks for the same key.
        const seen: { hostname: string; path: string }[] = []
        const client = new S3Client({
          ...connection,
          credentials,
          requestHandler: {
            handle: async (request: { hostname: string; path: string }) => {
              seen.push(request)
              throw Object.assign(new Error('seen'), { name: 'Seen' })
            },
          },
        })
        await expect(client.send(new HeadObjectCommand({ Bucket: 'media', Key: key }))).rejects.toThrow('seen')
        expect(path.split('?')[0]).toBe(seen[0]?.path)
        expect(new URL(signer.origin).hostname).toBe(seen[0]?.hostname)
      })

  it('signs an aws-chunked body with a trailer as the SDK signer does', async () => {
    const signer = createPartSigner({
      ...credentials,
      endpoint: 'http://127.0.0.1:9000',
      region: 'eu-central-1',
      bucket: 'media',
      forcePathStyle: false,
    })
    const toSign = part({
      payloadHash: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
      headers: {
        'content-encoding': 'aws-chunked',
        'x-amz-decoded-content-length': '5242880',
        'x-amz-trailer': 'x-amz-checksum-crc32c',
      },
    })
    const { path, headers } = signer.sign(toSign)
    expect(signer.origin).toBe('http://127.0.0.1:9000')
    expect(path).toBe('/media/folder/file.bin?partNumber=17&uploadId=2~abcDEF._-%2B%2F%3D')
    expect(headers.authorization).toBe(await signedBySdk(toSign, signer.origin, '/media/folder/file.bin'))
  })

  it('uses a new key when the day changes', async () => {
    const connection = {
      ...credentials,
      endpoint: 'http://127.0.0.1:9000',
      region: 'eu-central-1',
      bucket: 'media',
      forcePathStyle: true,
    }
    const reused = createPartSigner(connection)
    reused.sign(part({}))
    const tomorrow = part({ at: new Date('2026-11-22T00:00:00Z') })
    expect(reused.sign(tomorrow).headers).toEqual(createPartSigner(connection).sign(tomorrow).headers)
    expect(reused.sign(tomorrow).headers['x-amz-date']).toBe('20261122T000000Z')
  })

  it('takes the path for a bucket with dots over TLS, which no certificate covers', () => {
    const connection = { ...credentials, region: 'eu-central-1', bucket: 'my.bucket', forcePathStyle: false }
    expect(createPartSigner({ ...connection, endpoint: 'https://s3.example.org' }).origin).toBe(
      'https://s3.example.org',
    )
  })
})
