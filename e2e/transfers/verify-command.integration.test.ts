import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { patternSha256 } from '../../src/engine/testing/byte-pattern.ts'
import { MIB } from '../../src/server/domain/bytes.ts'
import { type EngineStack, startEngineStack } from '../stack/engine-stack.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const SIZE_BYTES = 7 * MIB

describe('npm run verify', () => {
  let stack: EngineStack
  let id: string
  beforeAll(async () => {
    stack = await startEngineStack()
    await stack.startEngine()
    const sourceUrl = stack.source.serve('/file.bin', { sizeBytes: SIZE_BYTES })
    const expectedChecksum = { algorithm: 'sha256' as const, value: patternSha256(SIZE_BYTES) }
    id = await stack.create({ sourceUrl, expectedChecksum, partSizeBytes: 6 * MIB })
    await stack.waitFor(id, 'completed')
  })
  afterAll(() => stack.close())

  async function verify(...args: string[]): Promise<{ code: number; output: string }> {
    const env = { ...process.env, DATABASE_URL: stack.database.url }
    try {
      const run = await promisify(execFile)(process.execPath, ['scripts/verify.ts', ...args], { cwd: ROOT, env })
      return { code: 0, output: run.stdout }
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string }
      return { code, output: stdout + stderr }
    }
  }

  it('asks the bucket, or reads the object back, and prints what the verdict rests on', async () => {
    const asked = await verify(id)
    expect(asked).toMatchObject({
      code: 0,
      output: expect.stringContaining('verified: SHA-256 given by you, CRC32C by the bucket'),
    })
    const readBack = await verify(id, '--reread')
    expect(readBack.code).toBe(0)
    expect(readBack.output).toContain('SHA-256 given by you')
    expect(readBack.output).toContain('CRC32C of the object read again')
  })

  it('ends with 1 where the object was changed, with 3 where there is nothing to verify, with 64 on wrong arguments', async () => {
    const Body = Buffer.alloc(SIZE_BYTES, 1)
    await stack.s3.send(new PutObjectCommand({ Bucket: 'test', Key: 'file.bin', Body }))
    const changed = await verify(id, '--reread')
    expect(changed).toMatchObject({ code: 1, output: expect.stringContaining('Do not use it') })
    expect(await verify('0193a000-0000-7000-8000-000000000001')).toMatchObject({
      code: 3,
      output: expect.stringContaining('no such transfer'),
    })
    expect((await verify()).code).toBe(64)
    expect((await verify('not-an-id', '--loudly')).code).toBe(64)
  })
})
