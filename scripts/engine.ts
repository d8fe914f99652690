import { ENGINE_COMMAND } from '../src/engine/engine-command.ts'
import { runNode } from './start/run-node.ts'

// `npm run engine`: one more engine, on DATABASE_URL or beside a running `npm start`.
process.exitCode = await runNode(ENGINE_COMMAND)
