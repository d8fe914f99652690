import { once } from 'node:events'
import { get as getPlain, type IncomingMessage } from 'node:http'
import { get as getSecure } from 'node:https'
import { S3Client } from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'

// What most Node programs do: the answer's stream as Body of an Upload, everything at its default. BENCH_WORK names the work.
const AT_ONCE = 10
const { files, bucket } = JSON.parse(process.env.BENCH_WORK ?? '{}') as {
  files: { url: string; key: string }[]
  bucket: string
}
const client = new S3Client({ endpoint: process.env.BENCH_ENDPOINT, forcePathStyle: true })
const open = [...files]

async function copyOne({ url, key }: { url: string; key: string }): Promise<void> {
  const [response] = (await once((url.startsWith('https:') ? getSecure : getPlain)(url), 'response')) as [
    IncomingMessage,
  ]
  if (response.statusCode !== 200) throw new Error(`The source answered ${response.statusCode}.`)
  await new Upload({ client, params: { Bucket: bucket, Key: key, Body: response } }).done()
}

async function copyNext(): Promise<void> {
  for (let file = open.shift(); file; file = open.shift()) await copyOne(file)
}

await Promise.all(Array.from({ length: Math.min(AT_ONCE, files.length) }, copyNext))
client.destroy()
