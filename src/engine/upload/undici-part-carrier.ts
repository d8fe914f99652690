import type { Readable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import { setImmediate } from 'node:timers/promises'
import type { Dispatcher } from 'undici'
import { MAX_ERROR_BODY_BYTES, type PartCarrier, type PartRequest } from './part-carrier.ts'

/** PUTs through an undici dispatcher: guarded, HTTP/1.1, one request at a time on a connection. */
export function createUndiciPartCarrier(dispatcher: Dispatcher): PartCarrier {
  return {
    async put({ origin, path, headers, body, signal }) {
      const response = await dispatcher.request({
        origin,
        path,
        method: 'PUT',
        headers,
        body: body && asBody(body),
        signal,
        headersTimeout: 0,
        bodyTimeout: 0,
      })
      const text = await readAnswer(response)
      // A turn, after which undici counts the connection as free: the next part of this lane takes it, not a new one.
      await setImmediate()
      return { statusCode: response.statusCode, headers: response.headers, text }
    },
    close() {
      void dispatcher.destroy()
    },
  }
}

/** undici takes async iterables as they are and waits for the socket between chunks; its types know only streams, which would read ahead. */
const asBody = (bytes: NonNullable<PartRequest['body']>) => bytes as unknown as Readable

async function readAnswer(response: Dispatcher.ResponseData): Promise<string> {
  if (response.statusCode >= 200 && response.statusCode < 300) {
    await response.body.dump({ limit: MAX_ERROR_BODY_BYTES })
    return ''
  }
  // A character may come in two pieces.
  const decoder = new StringDecoder('utf8')
  let text = ''
  try {
    for await (const chunk of response.body) {
      text += decoder.write(chunk as Buffer)
      if (text.length > MAX_ERROR_BODY_BYTES) break
    }
  } catch {
    // The connection broke behind the status line: the status alone has to do.
  }
  return text
}
