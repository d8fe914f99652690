import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parsePieces } from '../source/http1/testing/parse-pieces.ts'
import { everyByte, randomCuts } from '../source/http1/testing/random-cuts.ts'
import { seededRandom } from '../testing/seeded-random.ts'
import { createFramer, framedLength } from './part-framing.ts'

const CRC32C = '4waSgw=='

/** A body as it is sent where its bytes come in the pieces that end at `cuts` (ascending) and at its end. */
function framed(body: Buffer, cuts: readonly number[]): Buffer {
  const framer = createFramer(body.length)
  const sent: Buffer[] = []
  let at = 0
  for (const end of [...cuts, body.length])
    while (at < end) {
      const { before, roomBytes } = framer.open()
      const bytes = Math.min(end - at, roomBytes)
      sent.push(Buffer.from(before), body.subarray(at, at + bytes))
      framer.took(bytes)
      at += bytes
    }
  return Buffer.concat([...sent, Buffer.from(framer.close(CRC32C))])
}

/** Frames without sending: pieces are numbers of bytes, written as that many dots. */
function frame(sizeBytes: number, pieceBytes: number): string {
  const framer = createFramer(sizeBytes)
  let text = ''
  for (let left = sizeBytes; left > 0; ) {
    const { before, roomBytes } = framer.open()
    const bytes = Math.min(left, roomBytes, pieceBytes)
    text += before + '.'.repeat(bytes)
    framer.took(bytes)
    left -= bytes
  }
  return text + framer.close('4waSgw==')
}

describe('createFramer', () => {
  it('writes a small body as one frame and a trailer', () => {
    expect(frame(5, 2)).toBe('5\r\n.....\r\n0\r\nx-amz-checksum-crc32c:4waSgw==\r\n\r\n')
    expect(frame(0, 2)).toBe('0\r\nx-amz-checksum-crc32c:4waSgw==\r\n\r\n')
  })

  it('is as long as was announced, whatever the sizes of body and pieces', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 3_500_000 }), fc.integer({ min: 1000, max: 2_000_000 }), (size, piece) => {
        expect(frame(size, piece).length).toBe(framedLength(size))
      }),
      {
        numRuns: 40,
        examples: [
          [1_048_576, 1_048_576],
          [1_048_577, 1_048_576],
          [2_097_152, 3000],
        ],
      },
    )
  })

  it.each([1, 2, 300, 1_048_575, 1_048_576, 1_048_577, 2_500_000])(
    'frames a body of %i bytes the same, however it comes in pieces, and a reader of chunks gets it back',
    (sizeBytes) => {
      const random = seededRandom(sizeBytes)
      const body = Buffer.from(Uint8Array.from({ length: sizeBytes }, () => Math.floor(random() * 256)))
      const whole = framed(body, [])
      expect(whole.length).toBe(framedLength(sizeBytes))
      const answer = Buffer.concat([Buffer.from('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'), whole])
      const read = parsePieces(answer, [])
      expect(read).toMatchObject({ ended: 'end', restBytes: 0 })
      expect(Buffer.from(read.body, 'latin1').equals(body)).toBe(true)
      expect(whole.toString('latin1').endsWith(`\r\n0\r\nx-amz-checksum-crc32c:${CRC32C}\r\n\r\n`)).toBe(true)
      if (sizeBytes <= 300) expect(framed(body, everyByte(sizeBytes)).equals(whole)).toBe(true)
      for (let round = 0; round < 20; round++)
        expect(framed(body, randomCuts(random, sizeBytes, 3 * round)).equals(whole)).toBe(true)
    },
  )
})
