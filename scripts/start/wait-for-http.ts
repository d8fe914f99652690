import { request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'

export interface HttpQuestion {
  host: string
  port: number
  path: string
  /** The Host header, where the server minds it. */
  hostHeader?: string
}

/** The status of one GET, or null where nobody answered in two seconds. */
export function httpStatus({ host, port, path, hostHeader }: HttpQuestion): Promise<number | null> {
  return new Promise((settle) => {
    const ask = request({
      host,
      port,
      path,
      agent: false,
      timeout: 2_000,
      headers: hostHeader ? { host: hostHeader } : {},
    })
    ask.on('response', (response) => {
      response.resume()
      response.on('end', () => settle(response.statusCode ?? null))
      response.on('error', () => settle(null))
    })
    ask.on('timeout', () => ask.destroy())
    ask.on('error', () => settle(null))
    ask.end()
  })
}

/** Asks every 50 ms until the answer is 200. Resolves with false when `ended` settles first or the deadline passes. */
export async function waitForHttp(
  question: HttpQuestion,
  ended: Promise<unknown>,
  deadlineMs: number,
): Promise<boolean> {
  let over = false
  ended.finally(() => {
    over = true
  })
  for (const until = performance.now() + deadlineMs; !over && performance.now() < until; await delay(50))
    if ((await httpStatus(question)) === 200) return true
  return false
}
