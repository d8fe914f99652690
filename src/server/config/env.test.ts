import { describe, expect, it } from 'vitest'
import { MIB } from '../domain/bytes.ts'
import { readEnv } from './env.ts'

describe('the address at which readers reach the engines', () => {
  const address = (text: string) => readEnv({ SLUICE_ENGINE_PUBLIC_URL: text }).SLUICE_ENGINE_PUBLIC_URL

  it('may have a path, has no slash at its end, and is nothing where it is not set', () => {
    expect(address('https://Files.example.org/')).toBe('https://files.example.org')
    expect(address('http://10.0.0.7:8080/media/')).toBe('http://10.0.0.7:8080/media')
    expect(readEnv({}).SLUICE_ENGINE_PUBLIC_URL).toBeUndefined()
  })

  it.each([
    'files.example.org',
    'ftp://files.example.org',
    'https://user:secret@files.example.org',
    'https://files.example.org/?a=1',
    'https://files.example.org/o/',
  ])('refuses %s with a sentence that names the setting and not the value', (text) => {
    expect(() => address(text)).toThrow(/^SLUICE_ENGINE_PUBLIC_URL is the address at which readers/)
  })
})

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

describe('profiles (C5)', () => {
  const read = (settings: Record<string, string>) => {
    const env = readEnv(settings)
    return [env.sliceSizeBytes, env.spansPerFile, env.sliceRetries, env.cacheTtlMs]
  }
  const hours = (count: number) => count * 3_600_000

  it.each([
    ['high-throughput', [2 * MIB, 8, 2, hours(2)]],
    ['balanced', [MIB, 4, 3, hours(1)]],
    ['low-memory', [MIB / 2, 4, 3, hours(0.5)]],
  ])('%s has a slice size, requests for one file at once, retries, and a time to live', (profile, values) => {
    expect(read({ SLUICE_PROFILE: profile })).toEqual(values)
  })

  it('is balanced where nothing is said, and each value can be set over it', () => {
    expect(read({})).toEqual(read({ SLUICE_PROFILE: 'balanced' }))
    const over = {
      SLUICE_SLICE_SIZE: '512KiB',
      SLUICE_FILE_REQUESTS: '7',
      SLUICE_SLICE_RETRIES: '0',
      SLUICE_CACHE_TTL_SECONDS: '5',
    }
    expect(read({ SLUICE_PROFILE: 'high-throughput', ...over })).toEqual([MIB / 2, 7, 0, 5_000])
  })
})

describe('where the metrics are (C6)', () => {
  it('is the port of the engine, or an address of their own on this machine', () => {
    expect(readEnv({}).metricsListener).toBeNull()
    expect(readEnv({ SLUICE_METRICS_ADDRESS: '127.0.0.1:9464' }).metricsListener).toEqual({
      host: '127.0.0.1',
      port: 9464,
    })
    expect(() => readEnv({ SLUICE_METRICS_ADDRESS: '0.0.0.0:9464' })).toThrow(/^SLUICE_METRICS_ADDRESS/)
  })
})
