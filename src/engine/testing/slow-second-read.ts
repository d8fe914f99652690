import { MIB } from '../../server/domain/bytes.ts'
import type { HostileAnswer, HostileRequest } from './hostile-behaviour.ts'

/** Of those that are not first in line: they hardly move, and are not taken for dead ones. */
const IN_LINE = MIB / 64

/**
 * A file whose first read is as fast as it goes, and whose second read lasts until it is let go: its bytes come one request after the
 * other, in order, so that progress is seen for most of a minute. `requests` are those for it.
 */
export function slowSecondRead(
  sizeBytes: number,
  requests: () => readonly HostileRequest[],
  firstInLineBytesPerSecond = MIB / 2,
) {
  let firstOfSecond: number | null = null
  let isHeld = true
  const sentBytes = () => requests().reduce((sum, { bytesSent }) => sum + bytesSent, 0)
  const startOf = ({ range }: HostileRequest) => range?.startByte ?? 0
  const isFirstInLine = (one: HostileRequest, from: number) =>
    requests().every((other) => !other.isOpen || other.index < from || other === one || startOf(other) >= startOf(one))
  return {
    /** Byte 0 is asked for again when much was sent: the first read asks for it in the beginning alone. */
    answer(request: HostileRequest): HostileAnswer {
      if (request.range?.startByte === 0 && sentBytes() >= sizeBytes / 2) firstOfSecond ??= request.index
      return {
        sizeBytes,
        bytesPerSecond: () => {
          if (firstOfSecond === null || !isHeld) return null
          return isFirstInLine(request, firstOfSecond) ? firstInLineBytesPerSecond : IN_LINE
        },
      }
    },
    letGo() {
      isHeld = false
    },
  }
}
