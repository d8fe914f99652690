import { describe, expect, it } from 'vitest'
import { MIB } from '../domain/bytes.ts'
import { readEnv } from './env.ts'

describe('the memory an engine may use', () => {
  const bytes = (limitMib: number, settings: Record<string, string> = {}) => {
    const env = readEnv(settings, limitMib * MIB)
    return [env.memoryBudgetBytes / MIB, env.cacheMemoryBytes / MIB]
  }

  it('is that of the profile where nothing limits the process, or more than enough is left', () => {
    expect(bytes(0)).toEqual([256, 256])
    expect(bytes(16_384)).toEqual([256, 256])
  })

  it('is less in a container with little memory, and never nothing', () => {
    expect(bytes(256)).toEqual([64, 32])
    expect(bytes(64)).toEqual([16, 8])
  })

  it('is what was asked for where something was', () => {
    expect(bytes(256, { SLUICE_MEMORY_BUDGET: '128MiB', SLUICE_CACHE_MEMORY: '64MiB' })).toEqual([128, 64])
  })
})
