import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findFreePort } from '../../src/embedded/free-port.ts'
import { stillRunning } from './process-tree.ts'
import { slowness } from './slowness.ts'
import { type Exit, runStart, startSluice } from './sluice.ts'
import { createTestDatabase } from './test-database.ts'
import { until } from './until.ts'

/** What has ended is there until somebody has taken note of it: a moment, however slow the machine is. */
const NOTED_MS = 15_000
const isRoot = process.getuid?.() === 0
const AS_NOBODY = ['setpriv', '--reuid', 'nobody', '--regid', 'nogroup', '--clear-groups']

let home: string
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'sluice start é '))
  chmodSync(home, 0o755)
})
afterAll(() => rmSync(home, { recursive: true, force: true }))

async function freePorts() {
  const [port, enginePort, storePort] = await Promise.all([findFreePort(), findFreePort(), findFreePort()])
  return { PORT: `${port}`, ENGINE_PORT: `${enginePort}`, SLUICE_EMBEDDED_S3_PORT: `${storePort}` }
}

/** A failure people can read: an exit code, a sentence that says what was expected, and no trace of our insides. */
function expectSentence(exit: Exit, sentence: RegExp): void {
  expect(exit.output).toMatch(sentence)
  expect(exit.output).not.toMatch(/^\s+at .+:\d+:\d+/m)
  expect(exit.output).not.toMatch(/node:internal|Error:/)
  expect(exit.code).toBe(1)
}

describe('npm start', () => {
  test('starts everything in a path with spaces, runs a sample transfer once, and starts again within ten seconds', async () => {
    const dataDir = join(home, 'data')
    const first = await startSluice({ dataDir })
    try {
      const [transfer] = (await first.api.transfers.list.query({})).items
      expect(transfer?.key).toBe('sample/sluice-sample-256MiB.bin')
      const done = await until('the sample transfer', async () => {
        const { items } = await first.api.transfers.list.query({ status: 'completed' })
        return items[0] ?? null
      })
      expect(done).toMatchObject({ sizeBytes: 256 * 1024 * 1024, partsDone: 16, partsTotal: 16 })
      const runMs = (done.finishedAt?.getTime() ?? 0) - (done.startedAt?.getTime() ?? 0)
      expect(runMs).toBeGreaterThan(5_000)
      expect((await first.api.buckets.list.query()).map(({ name }) => name)).toEqual(['sluice'])
      for (const secret of ['secret-key', 'postgres-password', 'runtime.json', 'object-store/credentials.json'])
        expect(statSync(join(dataDir, secret)).mode & 0o077).toBe(0)
    } finally {
      await first.close()
    }
    expect(readFileSync(join(dataDir, 'logs', 'engine.log'), 'utf8')).toContain('engine stopped')

    const before = await slowness()
    const second = await startSluice({ dataDir })
    try {
      const times = Math.max(before, await slowness())
      console.log(
        `ready again after ${second.readySeconds.toFixed(1)} s, on a machine ${times.toFixed(1)} times slower`,
      )
      expect(second.readySeconds).toBeLessThan(10 * times)
      const { items } = await second.api.transfers.list.query({})
      expect(items.map(({ status }) => status)).toEqual(['completed'])
    } finally {
      await second.close()
    }
  })

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    '%s ends it with code 0 and leaves no process',
    async (signal) => {
      const sluice = await startSluice()
      const before = sluice.processes()
      expect(before.length).toBeGreaterThan(5)
      const exit = await sluice.stop(signal)
      expect(exit.code).toBe(0)
      await until('the end of every process', () => stillRunning(before).length === 0, NOTED_MS)
      rmSync(sluice.dataDir, { recursive: true, force: true })
    },
  )

  test('killed without a word it leaves no process either, and starts again on the same folder', async () => {
    const dataDir = join(home, 'killed')
    const sluice = await startSluice({ dataDir })
    const before = sluice.processes()
    const start = before.find(({ command }) => command.includes('scripts/start.ts'))
    process.kill(start?.pid ?? 0, 'SIGKILL')
    await until('the end of every process', () => stillRunning(before).length === 0)
    const again = await startSluice({ dataDir })
    await again.close()
  })

  test('an engine that dies is started again, and a sentence says so', async () => {
    const sluice = await startSluice()
    try {
      await sluice.killEngine()
      expect(sluice.output()).toMatch(/The engine ended \(signal SIGKILL\); it starts again in 0\.5 s\./)
      await until('the sentence', () => sluice.output().includes('The engine runs again.'))
    } finally {
      await sluice.close()
    }
  })

  test('with DATABASE_URL it starts no Postgres of its own', async () => {
    const database = await createTestDatabase()
    try {
      const sluice = await startSluice({ env: { DATABASE_URL: database.url } })
      try {
        expect(sluice.processes().filter(({ command }) => /bin\/postgres/.test(command))).toEqual([])
        expect(await database.db.bucket.count({ where: { embedded: true } })).toBe(1)
      } finally {
        await sluice.close()
      }
    } finally {
      await database.close()
    }
  })

  test('--show-keys prints endpoint and keys of the embedded store and starts nothing', async () => {
    const env = { ...(await freePorts()), SLUICE_DATA_DIR: join(home, 'keys') }
    const exit = await runStart({ env, args: ['--show-keys'] })
    expect(exit.code).toBe(0)
    const kept = JSON.parse(readFileSync(join(home, 'keys', 'object-store', 'credentials.json'), 'utf8'))
    expect(exit.output).toContain(kept.accessKeyId)
    expect(exit.output).toContain(kept.secretAccessKey)
    expect(exit.output).toContain(`http://127.0.0.1:${env.SLUICE_EMBEDDED_S3_PORT}`)
  })

  test('an ordinary user can start it too', async ({ skip }) => {
    skip(!isRoot, 'this run is that of an ordinary user already')
    const dataDir = join(home, 'nobody')
    mkdirSync(dataDir)
    const id = (flag: string) => Number(execFileSync('id', [flag, 'nobody']))
    chownSync(dataDir, id('-u'), id('-g'))
    const sluice = await startSluice({ dataDir, command: AS_NOBODY })
    await sluice.close()
    expect(statSync(join(dataDir, 'postgres')).uid).toBe(id('-u'))
  })
})

describe('npm start that cannot start says why in a sentence', () => {
  test.each(['PORT', 'ENGINE_PORT', 'SLUICE_EMBEDDED_S3_PORT'])('when the port of %s is taken', async (variable) => {
    const server = createServer()
    await new Promise<void>((settle) => server.listen(0, '127.0.0.1', settle))
    try {
      const address = server.address()
      const port = address !== null && typeof address === 'object' ? address.port : 0
      const env = { ...(await freePorts()), SLUICE_DATA_DIR: join(home, 'ports'), [variable]: `${port}` }
      expectSentence(await runStart({ env }), new RegExp(`Port ${port}, .* is taken .*: ${variable}=\\d+ npm start`))
    } finally {
      server.close()
    }
  })

  test('when the data folder cannot be written to', async () => {
    const dataDir = join(home, 'unwritable')
    mkdirSync(dataDir, { mode: 0o555 })
    const env = { ...(await freePorts()), SLUICE_DATA_DIR: dataDir }
    const exit = await runStart({ env, command: isRoot ? AS_NOBODY : [] })
    expectSentence(exit, /The data folder .*unwritable cannot be written to by this user .*SLUICE_DATA_DIR/)
  })

  test('when the data folder holds files of somebody else', async () => {
    const dataDir = join(home, 'foreign')
    mkdirSync(dataDir)
    writeFileSync(join(dataDir, 'holiday.jpg'), '')
    const env = { ...(await freePorts()), SLUICE_DATA_DIR: dataDir }
    expectSentence(await runStart({ env }), /foreign holds files that are not of Sluice.*SLUICE_DATA_DIR/)
  })

  test('when the data folder is a file', async () => {
    const dataDir = join(home, 'file')
    writeFileSync(dataDir, '')
    const env = { ...(await freePorts()), SLUICE_DATA_DIR: dataDir }
    expectSentence(await runStart({ env }), /The data folder .*file is not a folder/)
  })

  test('when the database does not answer, without showing its password', async () => {
    const port = await findFreePort()
    const env = {
      ...(await freePorts()),
      SLUICE_DATA_DIR: join(home, 'dead-database'),
      DATABASE_URL: `postgresql://someone:canary-password@127.0.0.1:${port}/sluice`,
    }
    const exit = await runStart({ env })
    expectSentence(exit, new RegExp(`127\\.0\\.0\\.1.*${port}`))
    expect(exit.output).not.toContain('canary-password')
  })

  test('when another one runs on the same data folder', async () => {
    const sluice = await startSluice()
    try {
      const env = { ...(await freePorts()), SLUICE_DATA_DIR: sluice.dataDir }
      expectSentence(await runStart({ env }), /Sluice already runs on .* \(process \d+\)/)
    } finally {
      await sluice.close()
    }
  })

  test('when a setting cannot be used', async () => {
    const env = { ...(await freePorts()), SLUICE_DATA_DIR: join(home, 'setting'), MAX_CONCURRENT_UPLOADS: '21' }
    expectSentence(await runStart({ env }), /MAX_CONCURRENT_UPLOADS is at most 20/)
  })
})
