import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { appRouter } from '../src/server/api/root.ts'
import { readEnv } from '../src/server/config/env.ts'
import { FAILURE_CODES } from '../src/server/domain/failure.ts'

// What is written for people must be what is built: names in the documents are held against the code.

const ROOT = join(import.meta.dirname, '..')
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')
const matches = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map((match) => match[1] ?? '')

describe('the settings table of the README', () => {
  const rows = [...read('README.md').matchAll(/^\| `([A-Z][A-Z0-9_]+)` \|.*\| *(?:`(.*)`)? *\|$/gm)]

  it('has every setting of env.ts and no other', () => {
    const inCode = matches(read('src/server/config/env.ts'), /^ {2}([A-Z][A-Z0-9_]+): /gm)
    expect(inCode).toContain('DATABASE_URL')
    expect(rows.map(([, name]) => name).sort(), 'Bring the table in line with env.ts.').toEqual(inCode.sort())
  })

  it('has the defaults that an empty environment gets', () => {
    const env: Record<string, unknown> = { ...readEnv({}) }
    // A switch is on or off, and null stands for a number that Sluice finds itself.
    const written = (value: unknown) => {
      if (typeof value === 'boolean') return value ? 'on' : 'off'
      return value === null ? 'auto' : String(value ?? '')
    }
    const wrong = rows
      .map(([, name = '', value = '']) => ({ name, inReadme: value, inCode: written(env[name]) }))
      .filter(({ inReadme, inCode }) => inReadme !== inCode)
    expect(wrong).toEqual([])
  })
})

describe('docs/api.md', () => {
  const page = read('docs/api.md')

  it('has a heading for every procedure and for no other', () => {
    const procedures = Object.keys(appRouter._def.procedures)
    expect(procedures).toContain('transfers.create')
    expect(matches(page, /^### (\S+)$/gm).sort()).toEqual(procedures.sort())
  })

  it('lists every failure code, and troubleshooting explains each', () => {
    const listed = page.slice(page.indexOf('## Failure codes'))
    const explained = read('docs/troubleshooting.md')
    for (const code of FAILURE_CODES) {
      expect(listed).toContain(`\`${code}\``)
      expect(explained).toContain(`\`${code}\``)
    }
  })
})

it('links between documents lead to files and headings that are there', () => {
  const decisions = readdirSync(join(ROOT, 'docs/decisions')).map((name) => `docs/decisions/${name}`)
  const pages = readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md'))
  const documents = ['README.md', 'CHANGELOG.md', ...pages.map((name) => `docs/${name}`), ...decisions]
  const anchors = (path: string) =>
    matches(read(path), /^#+ (.+)$/gm).map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\w -]/g, '')
        .replaceAll(' ', '-'),
    )
  const broken = documents.flatMap((document) =>
    [...matches(read(document), /\]\(([^)\s]+)\)/g), ...matches(read(document), /src(?:set)?="([^"]+)"/g)]
      .filter((target) => !/^https?:/.test(target))
      .filter((target) => {
        const [path = '', anchor] = target.split('#')
        const file = path === '' ? document : join(dirname(document), path)
        if (!existsSync(join(ROOT, file))) return true
        return anchor !== undefined && !anchors(file).includes(anchor)
      })
      .map((target) => `${document}: ${target}`),
  )
  expect(broken).toEqual([])
})

describe('docs/range-server-map.md', () => {
  const page = read('docs/range-server-map.md')

  it('names files that are there', () => {
    const named = matches(page, /`((?:src|e2e|bench|scripts)\/[^`]+)`/g)
    expect(named.length).toBeGreaterThan(80)
    expect(named.filter((path) => !existsSync(join(ROOT, path)))).toEqual([])
  })

  it('has every row of the read path and the cache, each with code and with a test', () => {
    const rows = [...page.matchAll(/^\| ([BC]\d+) \| [^|]+ \| ([^|]+) \| ([^|]+) \|$/gm)]
    const numbered = (letter: string, count: number) => Array.from({ length: count }, (_, at) => `${letter}${at + 1}`)
    expect(rows.map(([, row]) => row)).toEqual([...numbered('B', 12), ...numbered('C', 10)])
    const isTest = (path: string) => /\.(test|spec)\.ts$/.test(path)
    for (const [, row, code = '', tests = ''] of rows) {
      const [inCode, inTests] = [matches(code, /`([^`]+)`/g), matches(tests, /`([^`]+)`/g)]
      expect(inCode.length > 0 && !inCode.some(isTest), `${row} names its code`).toBe(true)
      expect(inTests.length > 0 && inTests.every(isTest), `${row} names its tests`).toBe(true)
    }
  })
})
