import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { patternBytes } from '../testing/byte-pattern.ts'
import type { HostileBehaviour } from '../testing/hostile-behaviour.ts'
import { type HostileFixture, openHostileFixture, pinnedIdentity } from '../testing/hostile-fixture.ts'
import { HTTP_CLIENTS } from './http-client.ts'
import type { SourceRead } from './source.ts'

describe.each(HTTP_CLIENTS)('over %s', (httpClient) => {
  const IDLE_MS = 300
  const SIZE = 1024 * 1024

  let fixture: HostileFixture
  beforeEach(async () => {
    fixture = await openHostileFixture({ httpClient, idleTimeoutMs: IDLE_MS, connectTimeoutMs: 1000 })
  })
  afterEach(() => fixture.close())

  function readAll(
    behaviour: HostileBehaviour,
    sink: (chunk: Uint8Array) => boolean = () => true,
    signal = new AbortController().signal,
    path = '/file',
  ): SourceRead {
    const url = fixture.hostile.serve(path, behaviour)
    return fixture.source.readRange({
      target: { url, headers: {} },
      identity: pinnedIdentity(),
      startByte: 0,
      endByte: SIZE,
      sink,
      signal,
    })
  }

  test('correctness 23: ranges at once go over a connection each, so that no shared window holds them up', async () => {
    await fixture.close()
    fixture = await openHostileFixture({ httpClient, idleTimeoutMs: 30_000 })
    const paths = ['/1', '/2', '/3', '/4', '/5']
    const paused = paths.map((path) => readAll({}, () => false, undefined, path))
    await fixture.hostile.until(() => paths.every((path) => fixture.hostile.requests(path).length === 1))
    expect(new Set(fixture.hostile.requests().map(({ connection }) => connection)).size).toBe(paths.length)
    const resuming = setInterval(() => {
      for (const read of paused) read.resume()
    }, 1)
    await Promise.all(paused.map((read) => read.done))
    clearInterval(resuming)
  })

  const forLean = httpClient === 'lean' ? test : () => undefined
  forLean('ten connections stay when nobody uses them, and the others go (C3)', async () => {
    await fixture.close()
    fixture = await openHostileFixture({ httpClient, idleTimeoutMs: 30_000, maxConnectionsPerHost: 64 })
    const all = Promise.withResolvers<void>()
    const paths = Array.from({ length: 14 }, (_, index) => `/${index}`)
    const reads = paths.map((path) => readAll({ after: all.promise }, undefined, undefined, path))
    await fixture.hostile.until(() => fixture.hostile.connections().open === paths.length)
    all.resolve()
    await Promise.all(reads.map((read) => read.done))
    await fixture.hostile.until(() => fixture.hostile.connections().open === 10)
    await readAll({}, undefined, undefined, '/again').done
    expect(fixture.hostile.connections().open).toBe(10)
  })

  describe('the watchdog', () => {
    test('correctness 21: a peer that stops sending is an idle timeout, to be retried now', async () => {
      const read = readAll({ breakAfterBytes: 100_000, breakBy: 'stall' })
      await expect(read.done).rejects.toMatchObject({
        code: 'idle_timeout',
        retry: 'now',
        facts: { stage: 'body', receivedBytes: 100_000 },
      })
      await fixture.hostile.until(() => fixture.hostile.connections().open === 0)
    })

    test('correctness 21: a peer that never answers is an idle timeout too', async () => {
      await expect(readAll({ headDelayMs: 'never' }).done).rejects.toMatchObject({
        code: 'idle_timeout',
        facts: { stage: 'head' },
      })
    })

    test('correctness 21: a stall after we paused and went on is noticed', async () => {
      let pauses = 0
      const read = readAll({ breakAfterBytes: 100_000, breakBy: 'stall' }, (chunk) => {
        expect(chunk.byteLength).toBeGreaterThan(0)
        pauses++
        setTimeout(() => read.resume(), 5)
        return false
      })
      await expect(read.done).rejects.toMatchObject({ code: 'idle_timeout' })
      expect(pauses).toBeGreaterThan(0)
    })

    test('correctness 22: pausing for longer than the idle timeout truncates nothing', async () => {
      const chunks: Buffer[] = []
      let pauses = 0
      const read = readAll({}, (chunk) => {
        chunks.push(Buffer.from(chunk))
        if (pauses++ > 0) return true
        setTimeout(() => read.resume(), IDLE_MS * 2.5)
        return false
      })
      await read.done
      expect(Buffer.concat(chunks).equals(patternBytes(0, SIZE))).toBe(true)
    })

    test('a slow but steady peer is never too slow', async () => {
      const startedMs = performance.now()
      await readAll({ bytesPerSecond: SIZE }).done
      expect(performance.now() - startedMs).toBeGreaterThan(IDLE_MS * 2)
    })

    test('waiting for a free connection is no silence of the peer', async () => {
      const narrow = await openHostileFixture({ httpClient, idleTimeoutMs: IDLE_MS, maxConnectionsPerHost: 1 })
      const url = narrow.hostile.serve('/slow', { bytesPerSecond: SIZE })
      const read = () =>
        narrow.source.readRange({
          target: { url, headers: {} },
          identity: pinnedIdentity(),
          startByte: 0,
          endByte: SIZE / 2,
          sink: () => true,
          signal: new AbortController().signal,
        }).done
      await Promise.all([read(), read(), read()])
      expect(narrow.hostile.connections().peak).toBe(1)
      expect(narrow.hostile.peakRequests()).toBe(1)
      await narrow.close()
    })
  })

  describe('pausing', () => {
    test('the sink is not called between its false and resume, and every byte arrives once', async () => {
      const chunks: Buffer[] = []
      let isPaused = false
      const read = readAll({}, (chunk) => {
        expect(isPaused).toBe(false)
        chunks.push(Buffer.from(chunk))
        isPaused = true
        setImmediate(() => {
          isPaused = false
          read.resume()
        })
        return false
      })
      await read.done
      expect(Buffer.concat(chunks).equals(patternBytes(0, SIZE))).toBe(true)
    })

    test('while we pause the peer is held up by its socket, not by our memory', async () => {
      const size = 64 * 1024 * 1024
      const url = fixture.hostile.serve('/big', { sizeBytes: size })
      const read = fixture.source.readRange({
        target: { url, headers: {} },
        identity: pinnedIdentity({ sizeBytes: size }),
        startByte: 0,
        endByte: size,
        sink: () => false,
        signal: new AbortController().signal,
      })
      read.done.catch(() => undefined)
      await fixture.hostile.until(() => fixture.hostile.bytesSent('/big') > 0)
      // Several idle timeouts long nothing drains; what was sent sits in the sockets of both sides.
      await new Promise((resolve) => setTimeout(resolve, IDLE_MS * 2))
      expect(fixture.hostile.bytesSent('/big')).toBeLessThan(size / 2)
    })

    test('a pause on the last byte of a known length does not hold up the end', async () => {
      let received = 0
      const read = readAll({}, (chunk) => {
        received += chunk.byteLength
        return received < SIZE
      })
      expect(await read.done).toEqual({ bytes: SIZE, lengthVerified: true })
    })

    test('one read may let another go on from inside its sink', async () => {
      let waiting: SourceRead | null = null
      const first = readAll(
        {},
        () => {
          waiting = first
          return false
        },
        undefined,
        '/a',
      )
      const second = readAll(
        { bytesPerSecond: SIZE * 4 },
        () => {
          waiting?.resume()
          return true
        },
        undefined,
        '/b',
      )
      await second.done
      const wake = setInterval(() => first.resume(), 1)
      await first.done
      clearInterval(wake)
    })

    test('a peer that closes while we are paused loses nothing', async () => {
      const chunks: Buffer[] = []
      const url = fixture.hostile.serve('/close', { length: 'close' })
      const read = fixture.source.readWhole({
        target: { url, headers: {} },
        identity: pinnedIdentity(),
        sink: (chunk) => {
          chunks.push(Buffer.from(chunk))
          setTimeout(() => read.resume(), 2)
          return false
        },
        signal: new AbortController().signal,
      })
      await read.done
      expect(Buffer.concat(chunks).equals(patternBytes(0, SIZE))).toBe(true)
    })
  })

  describe('abort', () => {
    const reason = new Error('user')

    test('done rejects with the reason itself, and the connection is destroyed', async () => {
      const abort = new AbortController()
      const read = readAll({ breakAfterBytes: 100_000, breakBy: 'stall' }, () => true, abort.signal)
      await fixture.hostile.until(() => fixture.hostile.bytesSent() === 100_000)
      abort.abort(reason)
      await expect(read.done).rejects.toBe(reason)
      await fixture.hostile.until(() => fixture.hostile.connections().open === 0)
    })

    test('before the head, while paused, and when aborted beforehand alike', async () => {
      const beforeHead = new AbortController()
      const unanswered = readAll({ headDelayMs: 'never' }, () => true, beforeHead.signal, '/never')
      await fixture.hostile.until(() => fixture.hostile.requests('/never').length === 1)
      beforeHead.abort(reason)
      await expect(unanswered.done).rejects.toBe(reason)

      const whilePaused = new AbortController()
      const { promise: gotByte, resolve } = Promise.withResolvers<void>()
      const paused = readAll(
        {},
        () => {
          resolve()
          return false
        },
        whilePaused.signal,
        '/paused',
      )
      await gotByte
      whilePaused.abort(reason)
      await expect(paused.done).rejects.toBe(reason)

      const requests = fixture.hostile.requests().length
      await expect(readAll({}, () => true, AbortSignal.abort(reason)).done).rejects.toBe(reason)
      expect(fixture.hostile.requests().length).toBe(requests)
      await fixture.hostile.until(() => fixture.hostile.connections().open === 0)
    })

    test('a read that waits for a connection gives up at once and leaves the connection to the others', async () => {
      const narrow = await openHostileFixture({ httpClient, maxConnectionsPerHost: 1 })
      const url = narrow.hostile.serve('/slow', { bytesPerSecond: SIZE * 4 })
      const read = (signal: AbortSignal) =>
        narrow.source.readRange({
          target: { url, headers: {} },
          identity: pinnedIdentity(),
          startByte: 0,
          endByte: SIZE / 4,
          sink: () => true,
          signal,
        }).done
      const first = read(new AbortController().signal)
      const abort = new AbortController()
      const second = read(abort.signal)
      const third = read(new AbortController().signal)
      await narrow.hostile.until(() => narrow.hostile.bytesSent() > 0)
      abort.abort(reason)
      await expect(second).rejects.toBe(reason)
      await first
      await third
      expect(narrow.hostile.requests()).toHaveLength(2)
      expect(narrow.hostile.requests().every(({ connection }) => connection === 0)).toBe(true)
      await narrow.close()
    })

    test('a hundred aborted reads leave no listener on the signal and no connection', async () => {
      const abort = new AbortController()
      let listeners = 0
      const { addEventListener, removeEventListener } = abort.signal
      abort.signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
        listeners++
        addEventListener.apply(abort.signal, args)
      }
      abort.signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
        listeners--
        removeEventListener.apply(abort.signal, args)
      }
      for (let index = 0; index < 50; index++)
        await readAll({ status: 503 }, () => true, abort.signal).done.catch(() => 0)
      for (let index = 0; index < 50; index++) await readAll({}, () => true, abort.signal).done
      expect(listeners).toBe(0)
    })
  })
})
