import { shellWord } from '../harness/measure-script.ts'
import type { Peer } from './peer.ts'
import { presignPut } from './presign-put.ts'
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
