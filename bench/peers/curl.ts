import { createHash, createHmac } from 'node:crypto'
import { shellWord } from '../harness/measure-script.ts'
import type { StoreConnection } from '../sinks/store.ts'
import type { Peer } from './peer.ts'
import { program, scriptPeer } from './script-peer.ts'

const MAX_PUT_BYTES = 5 * 1024 ** 3

/** `curl URL | aws s3 cp - s3://…`, what a tutorial says. */
export function curlIntoAws(): Peer {
  const curl = program('curl')
  const aws = program('aws')
  return scriptPeer({
    name: 'curl-into-aws',
    programs: [curl, aws],
    ofFile: (file, { store }) =>
      `${curl.path} -sSf ${shellWord(file.url)} | ${aws.path} s3 cp - s3://${store.bucket}/${file.key} --expected-size ${file.sizeBytes} --endpoint-url ${store.endpoint} --only-show-errors`,
  })
}

/** curl piped into curl, one PUT to a presigned URL without any checksum: no tool but a yardstick, and for 5 GiB at most. */
export function curlIntoCurl(): Peer {
  const curl = program('curl')
  return scriptPeer({
    name: 'curl-into-curl',
    programs: [curl],
    cannot: ({ files }) =>
      files.some((file) => file.sizeBytes > MAX_PUT_BYTES) ? 'One PUT takes 5 GiB at most.' : null,
    ofFile: (file, { store }) => {
      const target = shellWord(presignPut(store, file.key, new Date()))
      return `${curl.path} -sSf ${shellWord(file.url)} | ${curl.path} -sSf -T - -H 'Transfer-Encoding:' -H 'Content-Length: ${file.sizeBytes}' ${target}`
    },
  })
}

/** A URL that lets its holder PUT one object for an hour ("Authenticating Requests: Using Query Parameters", S3 API Reference). */
export function presignPut(store: StoreConnection, key: string, at: Date): string {
  const { host, origin } = new URL(store.endpoint)
  const timestamp = at.toISOString().replace(/[-:]|\.\d{3}/g, '')
  const scope = `${timestamp.slice(0, 8)}/${store.region}/s3/aws4_request`
  const path = `/${store.bucket}/${key.split('/').map(encodeURIComponent).join('/')}`
  const query = new URLSearchParams({
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Credential': `${store.accessKeyId}/${scope}`,
    'X-Amz-Date': timestamp,
    'X-Amz-Expires': '3600',
    'X-Amz-SignedHeaders': 'host',
  })
  const canonical = `PUT\n${path}\n${query}\nhost:${host}\n\nhost\nUNSIGNED-PAYLOAD`
  const hmac = (secret: string | Buffer, text: string) => createHmac('sha256', secret).update(text).digest()
  const dateKey = hmac(`AWS4${store.secretAccessKey}`, timestamp.slice(0, 8))
  const signingKey = hmac(hmac(hmac(dateKey, store.region), 's3'), 'aws4_request')
  const hash = createHash('sha256').update(canonical).digest('hex')
  const signature = hmac(signingKey, `AWS4-HMAC-SHA256\n${timestamp}\n${scope}\n${hash}`).toString('hex')
  return `${origin}${path}?${query}&X-Amz-Signature=${signature}`
}
