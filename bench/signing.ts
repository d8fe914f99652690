import { createPartSigner } from '../src/engine/upload/sign-part.ts'
import { median } from './statistics.ts'

// What it costs to sign an UploadPart, in microseconds of CPU: the median of rounds. Usage: node bench/signing.ts [rounds]

const PARTS = 5_000
const rounds = Number(process.argv[2] ?? 11)
const signer = createPartSigner({
  endpoint: 'https://s3.eu-central-1.amazonaws.com',
  region: 'eu-central-1',
  bucket: 'bench',
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'a secret of forty characters, as they are',
  forcePathStyle: false,
})

function round(): number {
  const before = process.cpuUsage()
  for (let number = 1; number <= PARTS; number++)
    signer.sign({
      key: 'some/folder/a file with blanks.bin',
      part: { number, uploadId: '2~6vPuoWyA9HlPpD0x7CqZl1yBv3yTn1b' },
      payloadHash: 'UNSIGNED-PAYLOAD',
      headers: { 'x-amz-checksum-crc32c': 'yZRlqg==', 'x-amz-sdk-checksum-algorithm': 'CRC32C' },
      at: new Date(),
    })
  const { user, system } = process.cpuUsage(before)
  return (user + system) / PARTS
}

// The first rounds are the compiler's.
round()
round()
const figures = Array.from({ length: rounds }, round)
console.log(`${(median(figures) ?? Number.NaN).toFixed(1)} us a part (${PARTS} parts, median of ${rounds} rounds)`)
