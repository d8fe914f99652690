import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { startWatchdog } from './watchdog.ts'

/** Keeps the event loop busy. */
function block(ms: number): void {
  const untilMs = performance.now() + ms
  while (performance.now() < untilMs);
}

/** A watchdog and how long it took until it barked. */
function watch(idleTimeoutMs: number) {
  const startedMs = performance.now()
  const { promise, resolve } = Promise.withResolvers<number>()
  let barks = 0
  const watchdog = startWatchdog(idleTimeoutMs, () => {
    barks++
    resolve(performance.now() - startedMs)
  })
  // The watchdog's own timer does not keep a process alive; a test has to.
  const keepAlive = setInterval(() => undefined, 1000)
  promise.finally(() => clearInterval(keepAlive))
  return { watchdog, barked: promise, barks: () => barks, release: () => clearInterval(keepAlive) }
}

test('silence is reported after the idle timeout, once', async () => {
  const { barked, barks } = watch(50)
  expect(await barked).toBeGreaterThanOrEqual(49)
  await nextTurn()
  expect(barks()).toBe(1)
})

test('each beat starts the time anew', async () => {
  const { watchdog, barked } = watch(60)
  const beats = setInterval(() => watchdog.beat(), 10)
  setTimeout(() => clearInterval(beats), 200)
  expect(await barked).toBeGreaterThan(200)
})

test('paused time does not count, and the time starts anew after it', async () => {
  const { watchdog, barked } = watch(60)
  watchdog.pause()
  setTimeout(() => watchdog.resume(), 200)
  expect(await barked).toBeGreaterThanOrEqual(255)
})

test('a stopped watchdog stays stopped', async () => {
  const { watchdog, barks, release } = watch(20)
  watchdog.stop()
  watchdog.resume()
  const other = watch(80)
  await other.barked
  expect(barks()).toBe(0)
  release()
})

test('a busy event loop is no silence: what comes right after it counts', async () => {
  const { watchdog, barked, barks } = watch(50)
  block(200)
  await nextTurn()
  expect(barks()).toBe(0)
  watchdog.beat()
  expect(await barked).toBeGreaterThanOrEqual(245)
})
