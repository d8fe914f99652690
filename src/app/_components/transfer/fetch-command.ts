import { shellQuote } from './shell-quote.ts'

/** Where an object lies, as much as a client needs to fetch it. Keys are the reader's own business. */
export interface ObjectPlace {
  bucket: string
  key: string
  endpoint: string
  region: string
}

/** `s3://bucket/key` */
export function s3Path(place: Pick<ObjectPlace, 'bucket' | 'key'>): string {
  return `s3://${place.bucket}/${place.key}`
}

/** The line that fetches the object with aws-cli into the current folder. AWS itself needs no endpoint. */
export function fetchCommand(place: ObjectPlace): string {
  const isAws = /\.amazonaws\.com(\.cn)?$/.test(hostOf(place.endpoint))
  const endpoint = isAws ? '' : ` --endpoint-url ${shellQuote(place.endpoint)}`
  const region = place.region && place.region !== 'auto' ? ` --region ${shellQuote(place.region)}` : ''
  return `aws s3 cp ${shellQuote(s3Path(place))} .${endpoint}${region}`
}

function hostOf(endpoint: string): string {
  try {
    return new URL(endpoint).hostname
  } catch {
    return ''
  }
}
