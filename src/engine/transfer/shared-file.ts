import { TransferError } from '../../server/domain/failure.ts'
import type { FetchTurn, SliceCache, SliceStore } from '../cache/slice-cache.ts'
import type { Meter } from '../progress/meter.ts'
import { RANKS } from '../slice/fetch-queue.ts'
import { OriginBreaker } from '../slice/origin-breaker.ts'
import { OriginGate } from '../slice/origin-gate.ts'
import type { PublishedSlices } from '../slice/published-slices.ts'
import { RequestLimiter } from '../slice/request-limiter.ts'
import type { Slice } from '../slice/slice.ts'
import { sliceBytes, sliceIndexAt, slicesOf } from '../slice/slice-plan.ts'
import { SlicePool } from '../slice/slice-pool.ts'
import { SlicedFile } from '../slice/sliced-file.ts'
import type { Origin } from '../source/origin.ts'
import type { RangeRequest, Source, SourceIdentity, SourceRead, SourceTarget } from '../source/source.ts'
import type { KeptSlices } from './kept-slices.ts'
import { ReadersSlices } from './readers-slices.ts'

export interface SharingSettings {
  readonly sliceSizeBytes: number
  /** Of the slice pool (slice-pool.ts), by profile. */
  readonly maxSpansPerFile: number
  readonly maxSlicesPerSpan: number
  readonly sliceRetries: number
  /** A request without a byte for so long is raced by another; a slice that is slower than this and than it should be is read by each for itself. */
  readonly waitLimitMs: number
}

export interface SharedFileOptions {
  readonly objectId: string
  readonly version: string
  readonly target: SourceTarget
  readonly identity: SourceIdentity & { readonly sizeBytes: number }
  readonly shownUrl: string
  readonly origin: Origin
  readonly kept: KeptSlices
  readonly published: PublishedSlices
  readonly cache: Pick<SliceCache, 'has' | 'get'>
  readonly settings: SharingSettings
  readonly source: Source
  /** Transfers that have begun and may join. */
  expected(): number
  onEmpty(): void
}

/** What a transfer is to a file it may share. */
interface Company {
  readonly meter: Meter
  readonly onCompany: () => void
}

/** What transfers keep is in memory alone, so nobody else fetches. */
const OURS: Promise<FetchTurn> = Promise.resolve({ slice: null, claim: { release() {} } })

/**
 * One version of one file that transfers read, as slices of the same pool that serves readers. No transfer leads: a slice is fetched once
 * for all that want it, goes on as long as one of them does, and depends on nobody's bucket, budget or limit. It is kept in
 * memory until each has had it, where there is room (kept-slices.ts). What readers of a published origin have of the file is taken from them,
 * and while one of them reads it, slices are fetched for readers and transfers together, and kept as readers' slices are.
 */
export class SharedFile {
  readonly shownUrl: string
  readonly sliced: SlicedFile
  readonly pool: SlicePool
  readonly #options: SharedFileOptions
  readonly #readers: ReadersSlices
  readonly #members = new Set<Company>()
  /** Who asked for a slice first: its request is theirs. */
  readonly #firsts = new Map<number, Company>()
  /** Whose request has brought a slice, while that matters. */
  readonly #payers = new Map<number, Company>()
  /** How much of a slice each has had; parts that are no whole slices have some of them in two pieces. */
  readonly #takes = new Map<number, Map<Company, number>>()
  /** Slices the engine's limit is waited for, and those it has let pass, until they are asked for. */
  readonly #paying = new Map<number, Promise<void>>()
  readonly #paid = new Set<number>()

  constructor(options: SharedFileOptions) {
    const { settings, source, origin, kept, identity, target, objectId, version } = options
    this.#options = options
    this.shownUrl = options.shownUrl
    const readers = new ReadersSlices({ ...options, memory: kept })
    this.#readers = readers
    const store: SliceStore = {
      peek: (key) => kept.get(key) ?? readers.peek(key.index),
      get: ({ index }, signal) => readers.get(index, signal),
      claimFetch: () => OURS,
      put: (key, bytes) => {
        if (this.#transfers > 1) kept.keep(key, bytes)
      },
    }
    const unlimited = Number.POSITIVE_INFINITY
    const gate = new OriginGate({
      lanes: () => Promise.resolve(origin),
      // Each transfer has reserved the bytes that it wants.
      limiter: new RequestLimiter({ maxRequests: unlimited, maxQueued: unlimited, maxBytes: unlimited }),
      breaker: new OriginBreaker({ isOn: false, failures: 1, openMs: 1 }),
      hasPriorities: false,
      isForReaders: false,
      meter: { originBytes: 0 },
    })
    const { sliceSizeBytes } = settings
    this.sliced = new SlicedFile({ objectId, version, target, identity, sliceSizeBytes, gate, cache: store })
    this.pool = new SlicePool({
      ...settings,
      source: { ...source, readRange: (request) => this.#request(source, request), readWhole: refuseWhole },
      isCoalescing: true,
      isParallel: true,
    })
  }

  /** True where somebody else reads it too, or may be about to: another transfer, or a reader of a published origin. */
  get hasCompany(): boolean {
    return this.#transfers > 1 || this.#readers.whileRead !== null
  }

  /** Transfers that read this file or may be about to. */
  get #transfers(): number {
    return this.#members.size + this.#options.expected()
  }

  /** The source was seen to have another version, or takes ranges no more: each transfer finds out for itself what that means for it. */
  get isChanged(): boolean {
    return this.sliced.change !== null || !this.sliced.acceptsRanges
  }

  get waitLimitMs(): number {
    return this.#options.settings.waitLimitMs
  }

  /** Bytes that one request of the pool may carry. */
  get longestSpanBytes(): number {
    const { maxSlicesPerSpan, sliceSizeBytes } = this.#options.settings
    return maxSlicesPerSpan * sliceSizeBytes
  }

  join(company: Company): FileMember {
    this.companyCame()
    this.#members.add(company)
    return new FileMember(this, company)
  }

  leave(company: Company): void {
    this.#members.delete(company)
    this.tidy()
  }

  /** Lets go of what nobody needs any more; of everything where no transfer reads this file, or may be about to. */
  tidy(): void {
    for (const index of [...this.#takes.keys()]) this.#dropIfTaken(index)
    if (this.#transfers > 0) return
    this.#options.onEmpty()
    this.#options.kept.forget(this.sliced.objectId, this.sliced.version)
  }

  companyCame(): void {
    for (const { onCompany } of this.#members) onCompany()
  }

  /** A slice in memory, or interest in one that comes. */
  want(company: Company, startByte: number, endByte: number): (Uint8Array | Slice)[] {
    const { sliced } = this
    const { firstIndex, endIndex } = slicesOf(startByte, endByte, sliced.sliceSizeBytes)
    const read = this.#readers.whileRead
    const wanted: (Uint8Array | Slice)[] = []
    const missing: number[] = []
    const ofReaders: number[] = []
    for (let index = firstIndex; index < endIndex; index++) {
      const bytes = sliced.peek(index)
      if (bytes) wanted[index - firstIndex] = bytes
      else {
        const isOurs = read === null || sliced.wanted.has(index)
        if (isOurs) missing.push(index)
        else ofReaders.push(index)
        this.#paid.delete(index)
        if (!(isOurs ? sliced : read).wanted.has(index)) this.#firsts.set(index, company)
      }
    }
    const [first, ...rest] = missing
    const slices = first === undefined ? [] : this.pool.want(sliced, first, rest, RANKS.bulk)
    // Behind all that readers wait for.
    if (read) slices.push(...this.pool.want(read, null, ofReaders, RANKS.prefetch))
    for (const slice of slices) wanted[slice.index - firstIndex] = slice
    return wanted
  }

  /** A transfer has had bytes of a slice. True where another's request had brought them. */
  taken(company: Company, index: number, bytes: number): boolean {
    const isOthers = this.#payers.get(index) !== company
    const takes = this.#takes.get(index) ?? new Map<Company, number>()
    takes.set(company, (takes.get(company) ?? 0) + bytes)
    this.#takes.set(index, takes)
    this.#dropIfTaken(index)
    return isOthers
  }

  /**
   * Resolves when the engine's limit lets a slice pass, which is paid for once: `pay` is called for the first who wants it, and again for
   * another where that one is stopped meanwhile. At once where it is here or on its way.
   */
  async paid(index: number, pay: () => Promise<void>, signal: AbortSignal): Promise<void> {
    while (!this.isComing(index) && !this.#paid.has(index)) {
      signal.throwIfAborted()
      const paying = this.#paying.get(index)
      if (paying) {
        await paying.catch(() => {})
        continue
      }
      const ours = pay()
      this.#paying.set(index, ours)
      try {
        await ours
        this.#paid.add(index)
      } finally {
        this.#paying.delete(index)
      }
    }
  }

  /** True where a slice is here or on its way. */
  isComing(index: number): boolean {
    return this.sliced.wanted.has(index) || this.has(index) || this.#readers.whileRead?.wanted.has(index) === true
  }

  /** True where a slice is here. */
  has(index: number): boolean {
    return this.sliced.peek(index) !== null || this.#readers.has(index)
  }

  /** The last that needs a slice lets it go. */
  #dropIfTaken(index: number): void {
    const { sliced } = this
    const takes = this.#takes.get(index)
    const { startByte, endByte } = sliceBytes(index, sliced.sizeBytes, sliced.sliceSizeBytes)
    if (!takes || this.#options.expected() > 0) return
    for (const member of this.#members) if ((takes.get(member) ?? 0) < endByte - startByte) return
    this.#options.kept.drop({ objectId: sliced.objectId, version: sliced.version, index })
    this.#takes.delete(index)
    this.#payers.delete(index)
  }

  /** One request of the pool, on the account of who asked first for what it begins with. */
  #request(source: Source, request: RangeRequest): SourceRead {
    const { firstIndex, endIndex } = slicesOf(request.startByte, request.endByte, this.sliced.sliceSizeBytes)
    const [anybody] = this.#members
    const first = this.#firsts.get(firstIndex)
    const payer = first && this.#members.has(first) ? first : anybody
    if (!payer) return source.readRange(request)
    for (let index = firstIndex; index < endIndex; index++) {
      this.#firsts.delete(index)
      this.#payers.set(index, payer)
    }
    const { meter } = payer
    meter.sourceRequests++
    meter.laneOpened('read')
    const sink = (chunk: Uint8Array) => {
      meter.addSource(chunk.length)
      meter.bufferCopies++
      meter.bytesCopied += chunk.length
      return request.sink(chunk)
    }
    const read = source.readRange({ ...request, sink })
    const ended = (error: unknown) => {
      meter.laneClosed('read')
      if (error !== null && !request.signal.aborted) meter.sourceRetries++
    }
    read.done.then(() => ended(null), ended)
    return read
  }
}

/** One transfer of a shared file. */
export class FileMember {
  readonly file: SharedFile
  readonly #company: Company

  constructor(file: SharedFile, company: Company) {
    this.file = file
    this.#company = company
  }

  /** Somebody else wants the same bytes, or may be about to. */
  get isShared(): boolean {
    return this.file.hasCompany && !this.file.isChanged
  }

  /** True where a byte is not only for this transfer, or is here already: then it is had from the pool. */
  isPooled(byte: number): boolean {
    return this.isShared || (!this.file.isChanged && this.file.has(this.#indexAt(byte)))
  }

  /** How many of so many bytes from `byte` on are had in the same way: out of the pool, or alone. */
  alikeBytes(byte: number, maxBytes: number): number {
    const { sizeBytes } = this.file.sliced
    const isPooled = this.isPooled(byte)
    let endByte = this.sliceEnd(byte, 1)
    while (endByte < Math.min(sizeBytes, byte + maxBytes) && this.isPooled(endByte) === isPooled)
      endByte = this.sliceEnd(endByte, 1)
    return Math.min(maxBytes, endByte - byte)
  }

  /** Waits until the engine's limit lets the slice of a byte pass (see SharedFile.paid); `pay` takes so many bytes from it. */
  paid(byte: number, pay: (bytes: number) => Promise<void>, signal: AbortSignal): Promise<void> {
    const { sizeBytes, sliceSizeBytes } = this.file.sliced
    const index = this.#indexAt(byte)
    const { startByte, endByte } = sliceBytes(index, sizeBytes, sliceSizeBytes)
    return this.file.paid(index, () => pay(endByte - startByte), signal)
  }

  /** The end of so many slices, the one a byte is in first. */
  sliceEnd(byte: number, slices: number): number {
    const { sizeBytes, sliceSizeBytes } = this.file.sliced
    return Math.min(sizeBytes, (this.#indexAt(byte) + slices) * sliceSizeBytes)
  }

  /** The slices over `[startByte, endByte)` in order: in memory, or on their way. Each that is on its way is released once. */
  want(startByte: number, endByte: number): (Uint8Array | Slice)[] {
    return this.file.want(this.#company, startByte, endByte)
  }

  /** This transfer has the bytes of the slice from `byte` on. */
  taken(byte: number, bytes: number): void {
    if (this.file.taken(this.#company, this.#indexAt(byte), bytes)) this.#company.meter.addCache(bytes)
  }

  leave(): void {
    this.file.leave(this.#company)
  }

  #indexAt(byte: number): number {
    return sliceIndexAt(byte, this.file.sliced.sliceSizeBytes)
  }
}

/** What the pool would do for a source without ranges: a stream of all of it. A transfer does that by itself, with its own proof. */
function refuseWhole(): SourceRead {
  throw new TransferError('source_range_refused', 'The source no longer takes ranges.', { retry: 'never' })
}
