import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'

/** Paths from the project's root (with /) to their text. */
export type SourceFiles = ReadonlyMap<string, string>

/** One import of a file: a path of the project, or the name of a package. */
export interface Import {
  target: string
  isPackage: boolean
  isTypeOnly: boolean
}

const FOLDERS = ['src', 'scripts', 'e2e', 'bench', 'prisma']

/** Reads all TypeScript of the project; generated code and declarations are left out. */
export function readSourceFiles(root: string): SourceFiles {
  const files = new Map<string, string>()
  const walk = (folder: string) => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = posix.join(folder, entry.name)
      if (entry.isDirectory()) {
        if (entry.name !== 'generated' && entry.name !== 'node_modules') walk(path)
      } else if (/\.(ts|tsx|css)$/.test(entry.name) && !entry.name.endsWith('.d.ts'))
        files.set(path, readFileSync(join(root, path), 'utf8'))
    }
  }
  for (const entry of readdirSync(root, { withFileTypes: true }))
    if (entry.isDirectory() && FOLDERS.includes(entry.name)) walk(entry.name)
  return files
}

const STATIC = /(?:^|\n)[ \t]*(?:import|export)\s+(type\s+)?(?:([\w$\s{},*]+?)\s+from\s+)?['"]([^'"\n]+)['"]/g
const DYNAMIC = /\bimport\(\s*['"]([^'"\n]+)['"]\s*\)/g

/** The imports of a file, static and dynamic. Comments are not looked at. */
export function importsOf(path: string, text: string): Import[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')
  const found: Import[] = []
  for (const [, typeWord, names, specifier] of code.matchAll(STATIC)) {
    const inBraces = /^\{(.*)\}$/s.exec((names ?? '').trim())?.[1]
    const allTypes = inBraces?.split(',').every((name) => /^\s*(type\s.*)?$/s.test(name)) ?? false
    found.push(toImport(path, specifier ?? '', typeWord !== undefined || allTypes))
  }
  for (const [, specifier] of code.matchAll(DYNAMIC)) found.push(toImport(path, specifier ?? '', false))
  return found
}

function toImport(from: string, specifier: string, isTypeOnly: boolean): Import {
  if (specifier.startsWith('.'))
    return { target: posix.normalize(posix.join(posix.dirname(from), specifier)), isPackage: false, isTypeOnly }
  const [scope, name] = specifier.split('/')
  const target = specifier.startsWith('@') ? `${scope}/${name}` : (scope ?? specifier)
  return { target: specifier.startsWith('node:') ? 'node:' : target, isPackage: true, isTypeOnly }
}

export function isTest(path: string): boolean {
  return /\.(test|spec)\.tsx?$/.test(path)
}
