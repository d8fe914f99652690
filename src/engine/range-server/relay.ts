import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { RANKS } from '../slice/fetch-queue.ts'
import type { ReadLane } from '../source/origin.ts'
import type { SourceRead } from '../source/source.ts'
import { countOutcome, type Reading } from './answer.ts'
import type { Representation } from './representation.ts'

/**
 * Passes a file of unknown length on as it comes, at the reader's pace, and keeps nothing of it: it has no slices and no ranges. The head
 * goes out with the first byte. A source that breaks cuts the reader's connection.
 */
export async function relay(
  reading: Reading,
  answer: Representation,
  { stallMs, onFirstByte }: { readonly stallMs: number; readonly onFirstByte: () => void },
  signal: AbortSignal,
): Promise<void> {
  const { response, service } = reading
  const { counters, source } = service
  const writeHead = () => {
    const head = answer.head(Date.now())
    head.push('cache-status', 'sluice; fwd=bypass')
    response.writeHead(200, head)
    onFirstByte()
  }
  response.setTimeout(stallMs, () => response.writableNeedDrain && cutOff(response))
  const { pace } = service.pool
  const passOn = async (lane: ReadLane) => {
    let [isDraining, isPaced] = [false, false]
    const goOn = () => !isDraining && !isPaced && read.resume()
    const read: SourceRead = source.readWhole({
      target: answer.facts.target,
      identity: answer.facts.identity,
      signal,
      sink: (chunk) => {
        lane.delivered(chunk.byteLength)
        counters.originBytes += chunk.byteLength
        counters.servedBytes += chunk.byteLength
        if (!response.headersSent) writeHead()
        // The chunk is only lent, and the response may keep it for a while.
        isDraining = !response.write(Buffer.from(chunk))
        if (isDraining)
          response.once('drain', () => {
            isDraining = false
            goOn()
          })
        const resume = () => {
          isPaced = false
          goOn()
        }
        isPaced = pace !== null && !pace(chunk.byteLength, resume)
        return !isDraining && !isPaced
      },
    })
    await service.counted(signal, () => read.done)
  }
  try {
    await service.gate.request(RANKS.bulk, signal, passOn)
  } catch (error) {
    if (response.headersSent) cutOff(response)
    throw error
  }
  if (!response.headersSent) writeHead()
  response.end()
  await once(response, 'close', { signal }).catch(() => undefined)
  if (response.writableFinished) countOutcome(reading)
  else counters.aborts++
}

/** A reader of HTTP/1.0 gets no chunks, and takes the end of the connection for the end of the file: only a reset tells it that this is none. */
function cutOff(response: ServerResponse): void {
  if (!response.chunkedEncoding) response.socket?.resetAndDestroy()
  response.destroy()
}
