import { runSluice } from './start/run-sluice.ts'

// `npm start`: everything, embedded where nothing is configured.
await runSluice('production')
