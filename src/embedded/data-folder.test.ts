import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isRunning, processIdentity } from '../server/config/process-identity.ts'
import { loadOrCreateSecretKey, lockDataFolder, prepareDataFolder } from './data-folder.ts'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'sluice-folder-'))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

describe('the data folder', () => {
  test('is made where it is missing, and is ours ever after', () => {
    const dataDir = join(home, 'deep', 'er')
    prepareDataFolder(dataDir)
    writeFileSync(join(dataDir, 'anything'), '')
    expect(() => prepareDataFolder(dataDir)).not.toThrow()
  })

  test('is closed to others where we make it, and keeps its rights where somebody else did', () => {
    const own = join(home, 'own')
    prepareDataFolder(own)
    expect(statSync(own).mode & 0o777).toBe(0o700)
    const given = join(home, 'given')
    mkdirSync(given)
    chmodSync(given, 0o750)
    prepareDataFolder(given)
    expect(statSync(given).mode & 0o777).toBe(0o750)
  })

  test('may be an empty folder that is there already', () => {
    expect(() => prepareDataFolder(home)).not.toThrow()
  })

  test('is refused when it holds files of somebody else', () => {
    writeFileSync(join(home, 'holiday.jpg'), '')
    expect(() => prepareDataFolder(home)).toThrow(/holds files that are not of Sluice/)
  })

  test('is refused when it is a file', () => {
    writeFileSync(join(home, 'file'), '')
    expect(() => prepareDataFolder(join(home, 'file'))).toThrow(/is not a folder/)
    expect(() => prepareDataFolder(join(home, 'file', 'below'))).toThrow(/is not a folder/)
  })
})

describe('its lock', () => {
  test('keeps a second one away while the first runs', () => {
    const release = lockDataFolder(home)
    expect(() => lockDataFolder(home)).toThrow(new RegExp(`already runs on .*process ${process.pid}`))
    release()
    lockDataFolder(home)()
  })

  test.each(['4194399', '0', '', `${process.pid} 1`])('of a process that is gone (%j) is taken over', (holder) => {
    writeFileSync(join(home, 'start.lock'), holder)
    const release = lockDataFolder(home)
    expect(readFileSync(join(home, 'start.lock'), 'utf8')).toBe(processIdentity(process.pid))
    release()
  })

  test('knows a running process', () => {
    expect(isRunning(processIdentity(process.pid))).toBe(true)
  })
})

describe('its secret key', () => {
  test('is made once, closed to others, and the same ever after', () => {
    const key = loadOrCreateSecretKey(home)
    expect(key).toMatch(/^[0-9a-f]{64}$/)
    expect(loadOrCreateSecretKey(home)).toBe(key)
    expect(statSync(join(home, 'secret-key')).mode & 0o777).toBe(0o600)
  })

  test('is refused when it is damaged, because another one would open nothing', () => {
    mkdirSync(home, { recursive: true })
    writeFileSync(join(home, 'secret-key'), 'short')
    expect(() => loadOrCreateSecretKey(home)).toThrow(/is damaged/)
  })
})
