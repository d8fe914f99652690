import { describe, expect, test } from 'vitest'
import { checkImportCycles } from './import-cycles.ts'
import { checkImports } from './import-rules.ts'
import { checkEngineCycles, checkShapes, checkUnused } from './shape-rules.ts'
import { importsOf } from './source-files.ts'

const files = (entries: Record<string, string>) => new Map(Object.entries(entries))
const messages = (findings: { path: string; message: string }[]) =>
  findings.map(({ path, message }) => `${path} ${message}`).join('\n')

describe('imports are found', () => {
  test('in every form, with types told apart', () => {
    const text = `import { a } from './a.ts'
import type { B } from './b.ts'
import { type C, type D } from '../c.ts'
import {
  e,
  type F,
} from 'pkg/deep'
export { g } from '@scope/name/deep'
import 'node:fs'
// import { no } from './no.ts'
/* import { never } from './never.ts' */
const later = await import('./later.ts')`
    expect(importsOf('src/x/y.ts', text)).toEqual([
      { target: 'src/x/a.ts', isPackage: false, isTypeOnly: false },
      { target: 'src/x/b.ts', isPackage: false, isTypeOnly: true },
      { target: 'src/c.ts', isPackage: false, isTypeOnly: true },
      { target: 'pkg', isPackage: true, isTypeOnly: false },
      { target: '@scope/name', isPackage: true, isTypeOnly: false },
      { target: 'node:', isPackage: true, isTypeOnly: false },
      { target: 'src/x/later.ts', isPackage: false, isTypeOnly: false },
    ])
  })
})

describe('an import where it does not belong is reported', () => {
  test.each([
    ['src/server/domain/a.ts', `import { join } from 'node:path'`, 'the domain is pure'],
    ['src/server/domain/a.ts', `import { db } from '../db/client.ts'`, 'which server/domain may not'],
    ['src/server/db/a.ts', `import { root } from '../api/root.ts'`, 'which server/db may not'],
    ['src/server/api/a.ts', `import { run } from '../../engine/engine.ts'`, 'through rows'],
    ['src/app/page.tsx', `import { db } from '../server/db/client.ts'`, 'Pages ask server/api'],
    ['src/app/list.tsx', `'use client'\nimport { env } from '../server/config/env.ts'`, 'app client files may not'],
    [
      'src/app/_components/a.tsx',
      `'use client'\nimport { appRouter } from '../../server/api/root.ts'`,
      'app client files may not',
    ],
    ['src/app/_components/a.tsx', `import { Line } from 'recharts'`, 'src/app/_components/charts/'],
    [
      'src/engine/part/a.ts',
      `import { db } from '../../server/db/client.ts'`,
      'only engine.ts, queue, transfer, progress',
    ],
    [
      'src/engine/slice/a.ts',
      `import { seal } from '../../server/secrets.ts'`,
      'only engine.ts, queue, transfer, source, upload',
    ],
    ['src/engine/source/a.ts', `import { send } from '../upload/send.ts'`, 'source does not use upload'],
    ['src/engine/part/a.ts', `import { send } from '../upload/send.ts'`, 'part does not use upload'],
    ['src/engine/progress/a.ts', `import { plan } from '../part/plan.ts'`, 'progress does not use part'],
    ['src/engine/transfer/a.ts', `import { start } from '../engine.ts'`, 'engine.ts puts the parts together'],
    ['src/engine/transfer/a.ts', `import { bytes } from '../testing/bytes.ts'`, 'for tests only'],
    ['src/engine/transfer/a.ts', `import { fetch } from 'undici'`, 'engine/source'],
    ['src/server/api/a.ts', `import { S3Client } from '@aws-sdk/client-s3'`, 'object-store.ts'],
    ['src/embedded/a.ts', `import { migrate } from '../server/db/migrate.ts'`, 'belongs in scripts'],
    ['src/other/a.ts', ``, 'no known part'],
  ])('%s: %s', (path, text, expected) => {
    expect(messages(checkImports(files({ [path]: text })))).toContain(expected)
  })

  test.each([
    ['src/server/domain/a.ts', `import { z } from 'zod'`],
    ['src/app/_trpc/client.tsx', `'use client'\nimport type { AppRouter } from '../../server/api/root.ts'`],
    ['src/engine/upload/a.ts', `import { plan } from '../part/plan.ts'\nimport { S3Client } from '@aws-sdk/client-s3'`],
    [
      'src/engine/queue/a.ts',
      `import { run } from '../transfer/run.ts'\nimport { db } from '../../server/db/client.ts'`,
    ],
    ['src/engine/part/a.test.ts', `import { send } from '../upload/send.ts'`],
    ['src/embedded/a.ts', `import { env } from '../server/config/env.ts'`],
  ])('and one that does belong is not: %s: %s', (path, text) => {
    expect(checkImports(files({ [path]: text }))).toEqual([])
  })
})

test('what a client file imports is a client file too', () => {
  const project = files({
    'src/app/page.tsx': `import { List } from './list.tsx'`,
    'src/app/list.tsx': `'use client'\nimport { rows } from './rows.ts'`,
    'src/app/rows.ts': `import { root } from '../server/api/root.ts'`,
  })
  expect(messages(checkImports(project))).toContain('src/app/rows.ts imports src/server/api/root.ts')
})

describe('the shape of the project', () => {
  test('a file over the ceiling is reported with its length', () => {
    expect(messages(checkShapes(files({ 'src/engine/long.ts': 'x\n'.repeat(401) })))).toContain('has 401 lines')
    expect(checkShapes(files({ 'src/engine/short.ts': 'x\n'.repeat(400) }))).toEqual([])
  })

  test.each(['src/server/utils/date.ts', 'src/app/helpers.ts', 'src/engine/part/types.ts', 'src/app/ui/index.tsx'])(
    'the name of %s says nothing',
    (path) => {
      expect(messages(checkShapes(files({ [path]: '' })))).toContain('says nothing')
    },
  )

  test('a name that is not in kebab-case is reported', () => {
    expect(messages(checkShapes(files({ 'src/engine/RunTransfer.ts': '' })))).toContain('kebab-case')
  })

  test('folders of the engine that import each other are reported with the whole circle', () => {
    const circle = files({
      'src/engine/a/one.ts': `import { two } from '../b/two.ts'`,
      'src/engine/b/two.ts': `import { three } from '../c/three.ts'`,
      'src/engine/c/three.ts': `import type { One } from '../a/one.ts'`,
    })
    expect(messages(checkEngineCycles(circle))).toContain('a → b → c → a')
    expect(checkEngineCycles(circle)).toHaveLength(1)
  })

  test('a file nobody uses is reported, and one that only tests use', () => {
    const project = files({
      'src/engine/main.ts': `import { used } from './used.ts'`,
      'src/engine/used.ts': `new URL('started.ts', import.meta.url)`,
      'src/engine/started.ts': '',
      'src/engine/forgotten.ts': '',
      'src/engine/tested.ts': '',
      'src/engine/tested.test.ts': `import './tested.ts'\nimport './testing/tool.ts'`,
      'src/engine/testing/tool.ts': '',
      'scripts/engine.ts': `import '../src/engine/main.ts'`,
    })
    expect(messages(checkUnused(project))).toBe(
      [
        'src/engine/forgotten.ts is used by nothing. Use it, move it to a testing folder, or remove it.',
        'src/engine/tested.ts is used by tests alone. Use it, move it to a testing folder, or remove it.',
      ].join('\n'),
    )
  })
})

describe('files that import each other in a circle', () => {
  const circle = (word: 'import' | 'import type') =>
    files({
      'src/engine/a/one.ts': `import { two } from './two.ts'`,
      'src/engine/a/two.ts': `import { three } from '../b/three.ts'\nimport { other } from './other.ts'`,
      'src/engine/a/other.ts': '',
      'src/engine/b/three.ts': `${word} { One } from '../a/one.ts'`,
    })

  test.each(['import', 'import type'] as const)('are reported with the way round: %s', (word) => {
    const findings = checkImportCycles(circle(word))
    expect(messages(findings)).toContain(
      'src/engine/a/one.ts → src/engine/a/two.ts → src/engine/b/three.ts → src/engine/a/one.ts',
    )
    expect(findings).toHaveLength(1)
  })
})
