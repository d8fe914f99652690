import type { ServedOrigin, UnservedOrigin } from '../../server/domain/published-origin.ts'
import type { PublishedFile, PublishedSlices } from '../slice/published-slices.ts'
import type { SourceTarget } from '../source/source.ts'
import { OriginService, type ReadPath } from './origin-service.ts'
import { OriginCounters } from './origin-stats.ts'

/** The published origins an engine serves, by name, kept up to date with the rows. Counters outlive a change of settings. */
export class OriginRegistry implements PublishedSlices {
  /** See PublishedSlices. */
  generation = 0
  readonly #path: ReadPath
  readonly #byName = new Map<string, OriginService>()
  readonly #counters = new Map<string, OriginCounters>()
  #unserved: readonly UnservedOrigin[] = []

  constructor(path: ReadPath) {
    this.#path = path
  }

  get(name: string): OriginService | undefined {
    return this.#byName.get(name)
  }

  get services(): readonly OriginService[] {
    return [...this.#byName.values()]
  }

  of(target: SourceTarget): readonly PublishedFile[] {
    return this.services.map((service) => service.published(target)).filter((file) => file !== null)
  }

  /** Those that are published and cannot be served. */
  get unserved(): readonly UnservedOrigin[] {
    return this.#unserved
  }

  isUnserved(name: string): boolean {
    return this.#unserved.some((origin) => origin.name === name)
  }

  /** Serves exactly these from now on. One that changed is made anew; answers under way go on with what they have. */
  update(origins: readonly ServedOrigin[], unserved: readonly UnservedOrigin[] = []): void {
    this.#unserved = unserved
    const names = new Set(origins.map(({ name }) => name))
    // Answers under way of one that is dropped end by themselves.
    for (const name of this.#byName.keys())
      if (!names.has(name)) {
        this.#byName.delete(name)
        this.generation++
      }
    for (const origin of origins) {
      const known = this.#byName.get(origin.name)
      if (known && isUnchanged(known.config, origin)) continue
      const counters = this.#counters.get(origin.id) ?? new OriginCounters()
      counters.forgetRecent()
      this.#counters.set(origin.id, counters)
      this.generation++
      this.#byName.set(origin.name, new OriginService(origin, this.#path, counters))
    }
  }

  close(): void {
    for (const service of this.#byName.values()) service.close()
    this.#byName.clear()
  }
}

function isUnchanged(a: ServedOrigin, b: ServedOrigin): boolean {
  return a.id === b.id && a.updatedAtMs === b.updatedAtMs && a.credentialScope === b.credentialScope
}
