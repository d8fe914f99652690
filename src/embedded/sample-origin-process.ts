import type { ReadyMessage } from './object-store-process.ts'
import { type SampleOrigin, startSampleOrigin } from './sample-origin.ts'

// The sample origin as a process of its own. Its argument is the port it had before, so that a transfer that was
// interrupted finds its source again; where that is taken it takes another.

const wanted = Number(process.argv[2] ?? 0)
let origin: SampleOrigin
try {
  origin = await startSampleOrigin({ port: wanted })
} catch (error) {
  if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
  origin = await startSampleOrigin({})
}
process.once('SIGTERM', () => {
  origin.close().finally(() => process.exit(0))
})
process.send?.({ ready: { host: origin.host, port: origin.port } } satisfies ReadyMessage)
