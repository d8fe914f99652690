import { join } from 'node:path'
import { runNode } from './start/run-node.ts'

// `npm run engine`: one more engine, on DATABASE_URL or beside a running `npm start`.
process.exitCode = await runNode([join(import.meta.dirname, '..', 'src', 'engine', 'main.ts')])
