/** Bytes a frame carries: fixed, so that the length of the whole body is known before its first byte is. */
const FRAME_BYTES = 1024 * 1024
const TRAILER_NAME = 'x-amz-checksum-crc32c'
/** A CRC32C has four bytes, which are always eight characters in base64. */
const TRAILER_BYTES = `0\r\n${TRAILER_NAME}:${'A'.repeat(8)}\r\n\r\n`.length

/** Content-Length of an aws-chunked body with a CRC32C trailer around so many bytes. */
export function framedLength(sizeBytes: number): number {
  const fullFrames = Math.floor(sizeBytes / FRAME_BYTES)
  const rest = sizeBytes % FRAME_BYTES
  const overhead = (bytes: number) => `${bytes.toString(16)}\r\n\r\n`.length
  return sizeBytes + fullFrames * overhead(FRAME_BYTES) + (rest > 0 ? overhead(rest) : 0) + TRAILER_BYTES
}

export interface Framer {
  /** How many of the next bytes go into the frame that is open, and the text to send before them (maybe none). */
  open(): { before: string; roomBytes: number }
  /** So many bytes of the open frame were sent. */
  took(bytes: number): void
  /** What ends the body. */
  close(crc32c: string): string
}

/**
 * Frames a body of a known size as aws-chunked with an unsigned payload and one trailer ("Signature calculations: trailing
 * headers", Amazon S3 API Reference): `SIZE CRLF bytes CRLF` for each frame, `0 CRLF`, the trailer, an empty line.
 */
export function createFramer(sizeBytes: number): Framer {
  let leftInBody = sizeBytes
  let leftInFrame = 0
  let isFirst = true
  return {
    open() {
      if (leftInFrame > 0) return { before: '', roomBytes: leftInFrame }
      leftInFrame = Math.min(FRAME_BYTES, leftInBody)
      const before = `${isFirst ? '' : '\r\n'}${leftInFrame.toString(16)}\r\n`
      isFirst = false
      return { before, roomBytes: leftInFrame }
    },
    took(bytes) {
      leftInFrame -= bytes
      leftInBody -= bytes
    },
    close(crc32c) {
      return `${isFirst ? '' : '\r\n'}0\r\n${TRAILER_NAME}:${crc32c}\r\n\r\n`
    },
  }
}
