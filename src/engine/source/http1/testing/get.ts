import type { HttpExchange, HttpTransport, ResponseHead } from '../../http-transport.ts'

/** What became of a GET. */
export interface Got {
  readonly head: ResponseHead | null
  readonly body: string
  /** Null where it ended well. */
  readonly error: unknown
}

/** GETs and keeps everything; `exchange` is handed over before anything is called. */
export function get(
  transport: HttpTransport,
  url: string,
  options: { readonly headers?: Record<string, string>; readonly onExchange?: (exchange: HttpExchange) => void } = {},
): Promise<Got> {
  return new Promise((resolve) => {
    let head: ResponseHead | null = null
    const body: Buffer[] = []
    const done = (error: unknown) => resolve({ head, body: Buffer.concat(body).toString('latin1'), error })
    const exchange: HttpExchange = transport.get(
      { url: new URL(url), headers: options.headers ?? {} },
      {
        onSent: () => undefined,
        onHead(came) {
          head = came
          queueMicrotask(() => exchange.resume())
        },
        onData: (chunk) => body.push(Buffer.from(chunk)),
        onEnd: () => done(null),
        onError: (error) => done(error),
      },
    )
    options.onExchange?.(exchange)
  })
}
