import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createFramer, framedLength } from './part-framing.ts'

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
})
