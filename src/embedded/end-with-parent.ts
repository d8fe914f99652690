import { isMainThread } from 'node:worker_threads'

// Preloaded (--import) into every process the supervisor starts. Its IPC channel closes when the supervisor is gone, even
// by kill -9: then the process ends itself as it would on SIGTERM, and after a grace without more ado. Listening keeps a
// process alive, so one that has nothing left to do must say so with process.exit or process.disconnect.

const GRACE_MS = 27_000

if (isMainThread && process.connected) {
  process.on('disconnect', () => {
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), GRACE_MS).unref()
    // A process that minds its channel itself stops in its own way; a signal on top would be its second.
    if (process.listenerCount('disconnect') > 1) return
    process.kill(process.pid, 'SIGTERM')
  })
}
