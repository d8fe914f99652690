import { runSluice } from './start/run-sluice.ts'

// `npm run dev`: as `npm start`, with the pages compiled as they are asked for and the engine started again when it changes.
await runSluice('development')
