import type { PartStream } from '../part/part-stream.ts'
import type { Span, SpanWriter } from '../part/span-writer.ts'
import type { SpanRead } from './read-span.ts'

/** Help costs a request: what is over sooner than this is left alone. */
const WORTH_SPLITTING_MS = 300
const WORTH_RACING_MS = 1_000
/** A race fetches bytes twice, so only for a connection that is so many times slower than another would be. */
const RACING_TIMES = 3
/** And so many at once: where everybody is slow, a race would only make all of them slower. */
const MAX_RACES = 4

/** What is known of the connections to a source: usual time to the first byte, and usual rate of one (0: not known). */
export interface LaneHabits {
  readonly firstByteMs: number
  readonly laneBytesPerSecond: number
}

/** Help for a slow span: the end of it for another lane, or a rival for the slice it is in. */
export type Help =
  | { readonly kind: 'split'; readonly read: SpanRead; readonly span: Span }
  | { readonly kind: 'race'; readonly read: SpanRead; readonly writer: SpanWriter }

/**
 * When there is nothing left to ask for and lanes are free, near the end or because lanes have become more: finds the span that will
 * take longest and gives a part of it away (correctness.md case 25). A connection that stands still is given up all but the slice it
 * is in, and that slice is raced for. Remembers when each read last moved; call it every quarter of a second or so.
 */
export class EndGame {
  readonly #seen = new Map<SpanRead, { byte: number; ms: number }>()

  /**
   * `mayRace`: nothing will be asked for any more, so that a lane has no better use. `pay`: reserves what would be split off a windowed
   * span, which has no budget for what nobody has begun; false: it cannot now, and the span is left whole.
   */
  help(
    reads: Iterable<SpanRead>,
    habits: LaneHabits,
    nowMs: number,
    mayRace = true,
    pay: (stream: PartStream, span: Span) => boolean = () => true,
  ): Help | null {
    const all = [...reads]
    const races = all.filter((read) => read.isRival).length
    const slow = all
      .flatMap((read) => this.#expect(read, nowMs))
      .filter(({ leftMs }) => leftMs > Math.max(WORTH_SPLITTING_MS, 4 * habits.firstByteMs))
      .sort((a, b) => b.leftMs - a.leftMs)
    for (const { read, leftMs, isStalled } of slow) {
      const { stream, writer } = read
      const isPaid = (wanted: Span) => !writer.isWindowed || pay(stream, wanted)
      const span = writer.hasRival ? null : stream.split(writer, isStalled, isPaid)
      if (span) return { kind: 'split', read, span }
      const againMs =
        habits.firstByteMs +
        (habits.laneBytesPerSecond > 0 ? ((writer.endByte - writer.nextByte) / habits.laneBytesPerSecond) * 1000 : 0)
      if (
        !mayRace ||
        races >= MAX_RACES ||
        leftMs < Math.max(WORTH_RACING_MS, 4 * habits.firstByteMs, RACING_TIMES * againMs)
      )
        continue
      const rival = stream.rival(writer)
      if (rival) return { kind: 'race', read, writer: rival }
    }
    return null
  }

  ended(read: SpanRead): void {
    this.#seen.delete(read)
  }

  /** How long a read will take by its rate so far; one that stands still, at least as long as it has stood. */
  #expect(read: SpanRead, nowMs: number): { read: SpanRead; leftMs: number; isStalled: boolean }[] {
    const { writer, request } = read
    if (!request || writer.isDone || read.isHeld) return []
    let seen = this.#seen.get(read)
    if (seen?.byte !== writer.nextByte) {
      seen = { byte: writer.nextByte, ms: nowMs }
      this.#seen.set(read, seen)
    }
    const lastedMs = Math.max(1, nowMs - request.openedMs)
    const got = writer.nextByte - request.openedByte
    const byRateMs = got === 0 ? lastedMs : ((writer.endByte - writer.nextByte) / got) * lastedMs
    const stoodMs = nowMs - seen.ms
    return [{ read, leftMs: Math.max(byRateMs, stoodMs), isStalled: stoodMs > WORTH_RACING_MS }]
  }
}
