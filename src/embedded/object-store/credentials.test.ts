import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ConfigError } from '../../server/config/env.ts'
import { credentialsPath, loadOrCreateCredentials } from './credentials.ts'

let dataDir: string
const endpoint = 'http://127.0.0.1:9000'

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'sluice-credentials-'))
})
afterEach(() => rmSync(dataDir, { recursive: true, force: true }))

test('credentials are made once, kept in a file that only its owner can read, and found again', () => {
  const made = loadOrCreateCredentials({ dataDir, endpoint })
  expect(made).toMatchObject({ endpoint, region: 'us-east-1' })
  expect(made.accessKeyId).toMatch(/^SLUICE\w{14}$/)
  expect(made.secretAccessKey).toMatch(/^\w{40}$/)
  const path = credentialsPath(dataDir)
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(made)
  chmodSync(path, 0o644)
  expect(loadOrCreateCredentials({ dataDir, endpoint })).toEqual(made)
  expect(statSync(path).mode & 0o777).toBe(0o600)
})

test('given keys win and are kept, and a new port changes the endpoint alone', () => {
  const keys = { accessKeyId: 'given', secretAccessKey: 'given-secret' }
  expect(loadOrCreateCredentials({ dataDir, endpoint, ...keys })).toMatchObject(keys)
  const moved = loadOrCreateCredentials({ dataDir, endpoint: 'http://127.0.0.1:9001' })
  expect(moved).toMatchObject({ ...keys, endpoint: 'http://127.0.0.1:9001' })
  expect(JSON.parse(readFileSync(credentialsPath(dataDir), 'utf8'))).toEqual(moved)
})

test('one key without the other, and a damaged file, are refused with a sentence', () => {
  expect(() => loadOrCreateCredentials({ dataDir, endpoint, accessKeyId: 'alone' })).toThrow(ConfigError)
  loadOrCreateCredentials({ dataDir, endpoint })
  writeFileSync(credentialsPath(dataDir), '{"accessKeyId":"half')
  expect(() => loadOrCreateCredentials({ dataDir, endpoint })).toThrow(/damaged/)
})
