import { randomUUID } from 'node:crypto'
import { createClient, RESP_TYPES } from 'redis'
import type { Log } from '../../server/log.ts'
import { LAYOUT_VERSION, openEntry } from './entry-format.ts'
import { parseRecord } from './object-record.ts'
import type { ObjectRecord, SliceKey } from './slice-cache.ts'

// The tier that engines share: Redis or Valkey. It is a guest in the way of a byte: connected when first needed, every command has a
// time limit, and after one that took too long nothing is asked for a while. Away it means slower, never wrong.
//
//   sluice:1:s:OBJECT:VERSION:INDEX   an entry of entry-format.ts, with the TTL
//   sluice:1:r:OBJECT                 the record, JSON, with the TTL
//   sluice:1:l:OBJECT:VERSION:INDEX   who fetches the slice now, with the lease
//   sluice:1:purged                   the last purge that was applied

const PREFIX = `sluice:${LAYOUT_VERSION}:`
const CONNECT_TIMEOUT_MS = 2_000
/** A slice takes some milliseconds where Redis is near; an origin is asked rather than waited longer than this. */
const COMMAND_TIMEOUT_MS = 500
const LONGEST_RECONNECT_MS = 5_000
/** After a command that failed: nothing is asked for this long, doubled with each one more, up to the longest. */
const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 15_000
/** A connection that was cut without a word is noticed by this, and opened anew. */
const PING_MS = 10_000
const SILENT_MS = 30_000
const KEYS_PER_COMMAND = 500
/** Slices of an older version that are removed one by one; what is beyond in a huge file goes with its TTL, and nobody asks for it. */
const MAX_UNLINKED = 100_000
/** Commands that may wait for answers at once; more than that is a Redis that does not keep up. */
const MAX_COMMANDS = 1_000

/** Deletes the lease where it is still ours, in one step (Redis, "Distributed locks"). */
const RELEASE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end"

export interface SharedTierOptions {
  /** Has a password in it, perhaps: never logged. */
  readonly url: string
  readonly ttlMs: number
  readonly log: Pick<Log, 'warn' | 'info'>
  readonly commandTimeoutMs?: number
}

/** The shared tier. No method rejects but `purge`, `purgedUpTo` and `markPurged`, which have to be known to have worked. */
export class SharedTier {
  readonly #client: ReturnType<typeof connect>
  readonly #ttlMs: number
  readonly #log: SharedTierOptions['log']
  readonly #timeoutMs: number
  #failures = 0
  #pausedUntilMs = 0
  #isStarted = false
  #isClosed = false
  corrupt = 0
  errors = 0

  constructor({ url, ttlMs, log, commandTimeoutMs = COMMAND_TIMEOUT_MS }: SharedTierOptions) {
    this.#ttlMs = Math.max(1_000, ttlMs)
    this.#log = log
    this.#timeoutMs = commandTimeoutMs
    this.#client = connect(url)
    this.#client.on('error', (error) => this.#lost(error))
    this.#client.on('ready', () => {
      this.#failures = 0
      this.#pausedUntilMs = 0
      log.info('the shared tier of the slice cache is connected')
    })
  }

  get state(): 'connecting' | 'ready' | 'away' {
    if (this.#client.isReady) return performance.now() < this.#pausedUntilMs ? 'away' : 'ready'
    return this.#failures > 0 ? 'away' : 'connecting'
  }

  /** True where it may be asked now. The first call begins to connect. */
  get isUp(): boolean {
    this.#start()
    return this.state === 'ready'
  }

  /** The entry, proven; null where it is not there or not what was written. */
  async read(key: SliceKey): Promise<ReturnType<typeof openEntry>> {
    const entry = await this.#ask(() => this.#client.get(sliceName(key)), null)
    if (entry === null) return null
    const opened = openEntry(entry as Buffer, key)
    if (opened) return opened
    this.corrupt++
    await this.#ask(() => this.#client.unlink(sliceName(key)), 0)
    return null
  }

  /** Writes an entry of `encodeHeader` and its payload. */
  async write(key: SliceKey, header: Uint8Array, payload: Uint8Array): Promise<void> {
    const entry = Buffer.concat([header, payload])
    const expiration = { type: 'PX', value: this.#ttlMs } as const
    await this.#ask(() => this.#client.set(sliceName(key), entry, { expiration }), null)
  }

  async readRecord(objectId: string): Promise<ObjectRecord | null> {
    const text = await this.#ask(() => this.#client.get(recordName(objectId)), null)
    return text === null ? null : parseRecord(String(text), objectId)
  }

  /** Keeps the record, and removes the slices of the version it had before. */
  async writeRecord(record: ObjectRecord): Promise<void> {
    const expiration = { type: 'PX', value: this.#ttlMs } as const
    const text = await this.#ask(
      () => this.#client.set(recordName(record.objectId), JSON.stringify(record), { expiration, GET: true }),
      null,
    )
    const before = text === null ? null : parseRecord(String(text), record.objectId)
    if (!before || before.version === record.version || before.sizeBytes === null) return
    const { version, sizeBytes, sliceSizeBytes, objectId } = before
    const slices = Math.min(MAX_UNLINKED, Math.ceil(sizeBytes / sliceSizeBytes))
    for (let first = 0; first < slices && this.isUp; first += KEYS_PER_COMMAND) {
      const names: string[] = []
      for (let index = first; index < Math.min(slices, first + KEYS_PER_COMMAND); index++)
        names.push(sliceName({ objectId, version, index }))
      await this.#ask(() => this.#client.unlink(names), 0)
    }
  }

  /** A token where the right to fetch the slice is now ours, null where another has it, undefined where there is nobody to ask. */
  async takeLease(key: SliceKey, leaseMs: number): Promise<string | null | undefined> {
    const token = randomUUID()
    const expiration = { type: 'PX', value: leaseMs } as const
    const answer = await this.#ask<unknown>(
      () => this.#client.set(leaseName(key), token, { condition: 'NX', expiration }),
      undefined,
    )
    if (answer === undefined) return undefined
    return answer === null ? null : token
  }

  async releaseLease(key: SliceKey, token: string): Promise<void> {
    await this.#ask(() => this.#client.eval(RELEASE, { keys: [leaseName(key)], arguments: [token] }), null)
  }

  /**
   * Removes slices and records whose object ids begin so; '' removes all. Looks at every key there is (SCAN), so nothing is left over
   * by an index that lost something. Returns how many slices went. Rejects where it could not be finished.
   */
  async purge(idBeginning: string): Promise<number> {
    let slices = 0
    for (const kind of ['s', 'r'] as const)
      for await (const names of this.#client.scanIterator({
        MATCH: `${PREFIX}${kind}:${idBeginning}*`,
        COUNT: 1_000,
      })) {
        if (names.length === 0) continue
        const removed = await this.#client.unlink(names)
        if (kind === 's') slices += removed
      }
    return slices
  }

  /** The last purge that was applied here; null where none ever was. Rejects where it cannot be asked. */
  async purgedUpTo(): Promise<bigint | null> {
    const text = await this.#client.get(`${PREFIX}purged`)
    return text !== null && /^\d{1,19}$/.test(String(text)) ? BigInt(String(text)) : null
  }

  /** Rejects where it cannot be written. */
  async markPurged(id: bigint): Promise<void> {
    await this.#client.set(`${PREFIX}purged`, String(id))
  }

  async close(): Promise<void> {
    this.#isClosed = true
    if (this.#client.isOpen) this.#client.destroy()
  }

  #start(): void {
    if (this.#isStarted || this.#isClosed) return
    this.#isStarted = true
    // Retries by itself; what it rejects with was told as an error.
    this.#client.connect().catch(() => {})
  }

  /** Runs a command where the tier is up; `otherwise` where it is not or does not answer in time. */
  async #ask<T>(command: () => Promise<T>, otherwise: T): Promise<T> {
    if (!this.isUp) return otherwise
    let timer: NodeJS.Timeout | undefined
    const tooLate = new Promise<never>((_, reject) => {
      const giveUp = () => reject(Object.assign(new Error('no answer'), { code: 'TIMED_OUT' }))
      // After what has come in is read: a process that was busy itself must not take that for silence of the other side.
      timer = setTimeout(() => setImmediate(giveUp), this.#timeoutMs)
    })
    try {
      const answer = await Promise.race([command(), tooLate])
      this.#failures = 0
      return answer
    } catch (error) {
      this.#lost(error)
      return otherwise
    } finally {
      clearTimeout(timer)
    }
  }

  #lost(error: unknown): void {
    if (this.#isClosed) return
    this.errors++
    this.#failures++
    this.#pausedUntilMs =
      performance.now() + Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(10, this.#failures - 1))
    // The message may hold the address with its password: only the code is told.
    const reason = (error as NodeJS.ErrnoException)?.code ?? (error instanceof Error ? error.name : 'unknown')
    if (this.#failures === 1)
      this.#log.warn({ reason }, 'The shared tier of the slice cache does not answer; going on without it.')
  }
}

function connect(url: string) {
  return createClient({
    url,
    disableOfflineQueue: true,
    commandsQueueMaxLength: MAX_COMMANDS,
    // Not for us: notices of a hosted product about its upkeep.
    maintNotifications: 'disabled',
    pingInterval: PING_MS,
    socket: {
      socketTimeout: SILENT_MS,
      connectTimeout: CONNECT_TIMEOUT_MS,
      reconnectStrategy: (retries) =>
        Math.min(LONGEST_RECONNECT_MS, 50 * 2 ** Math.min(retries, 10)) * (0.5 + Math.random() / 2),
    },
    commandOptions: { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } },
  })
}

function nameOf({ objectId, version, index }: SliceKey): string {
  return `${objectId}:${version}:${index}`
}

const sliceName = (key: SliceKey) => `${PREFIX}s:${nameOf(key)}`
const leaseName = (key: SliceKey) => `${PREFIX}l:${nameOf(key)}`
const recordName = (objectId: string) => `${PREFIX}r:${objectId}`
