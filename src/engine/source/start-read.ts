import type { ReadResult, SourceRead } from './source.ts'

/** Makes a SourceRead of an async run, which attaches what `resume()` goes to once there is a body. */
export function startRead(run: (attach: (body: { resume(): void }) => void) => Promise<ReadResult>): SourceRead {
  let body: { resume(): void } | null = null
  const done = run((attached) => {
    body = attached
  })
  return { done, resume: () => body?.resume() }
}
