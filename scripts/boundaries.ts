import { resolve } from 'node:path'
import { checkImportCycles } from './boundaries/import-cycles.ts'
import { checkImports } from './boundaries/import-rules.ts'
import { checkEngineCycles, checkShapes, checkUnused } from './boundaries/shape-rules.ts'
import { readSourceFiles } from './boundaries/source-files.ts'

// Holds the architecture's table of imports, its one-way streets and the rules on files. Part of `npm run check`.

const files = readSourceFiles(resolve(import.meta.dirname, '..'))
const findings = [
  ...checkImports(files),
  ...checkImportCycles(files),
  ...checkShapes(files),
  ...checkEngineCycles(files),
  ...checkUnused(files),
]
for (const { path, message } of findings) console.error(`${path} ${message}`)
console.log(`${files.size} files, ${findings.length} out of place`)
if (findings.length > 0) process.exitCode = 1
