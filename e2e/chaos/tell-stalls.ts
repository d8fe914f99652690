/**
 * Loaded into an engine before its own code (node --import): ten times a second it says how late that is. What keeps the process from
 * running keeps it from its deadlines too, and no promise can be held by a process that stands still.
 */
const EVERY_MS = 100

let dueMs = performance.now() + EVERY_MS
setInterval(() => {
  const lateMs = Math.max(0, Math.round(performance.now() - dueMs))
  process.stderr.write(`${JSON.stringify({ pulseAtMs: Date.now(), lateMs })}\n`)
  dueMs = performance.now() + EVERY_MS
}, EVERY_MS).unref()
