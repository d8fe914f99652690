import { createHash, createHmac } from 'node:crypto'
import type { StoreConnection } from '../sinks/store.ts'

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
