import { MIB } from '../../server/domain/bytes.ts'
import type { HostileAnswer, HostileRequest } from './hostile-behaviour.ts'

/** Bytes go on coming, so that nobody is taken for dead, and the end is far longer away than any test lasts. */
const HARDLY = 1024

/**
 * A file whose first read is as fast as it goes, and whose second read lasts until it is let go, however slow the machine is: its bytes
 * come one request after the other, in order, a quarter of them at a pace, and then they hardly come. `requests` are those for it.
 */
export function slowSecondRead(
  sizeBytes: number,
  requests: () => readonly HostileRequest[],
  firstInLineBytesPerSecond = MIB / 2,
) {
  let firstOfSecond: number | null = null
  let isHeld = true
  let pacedBytes = sizeBytes / 4
  const sentBytes = (from: number) =>
    requests().reduce((sum, { index, bytesSent }) => sum + (index >= from ? bytesSent : 0), 0)
  const startOf = ({ range }: HostileRequest) => range?.startByte ?? 0
  const isFirstInLine = (one: HostileRequest, from: number) =>
    requests().every((other) => !other.isOpen || other.index < from || other === one || startOf(other) >= startOf(one))
  return {
    /** Byte 0 is asked for again when much was sent: the first read asks for it in the beginning alone. */
    answer(request: HostileRequest): HostileAnswer {
      if (request.range?.startByte === 0 && sentBytes(0) >= sizeBytes / 2) firstOfSecond ??= request.index
      return {
        sizeBytes,
        bytesPerSecond: () => {
          if (firstOfSecond === null || !isHeld) return null
          const isPaced = sentBytes(firstOfSecond) < pacedBytes && isFirstInLine(request, firstOfSecond)
          return isPaced ? firstInLineBytesPerSecond : HARDLY
        },
      }
    },
    /** Another quarter comes at the pace. */
    goOn() {
      pacedBytes += sizeBytes / 4
    },
    letGo() {
      isHeld = false
    },
  }
}
