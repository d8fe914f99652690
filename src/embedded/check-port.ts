import { createServer } from 'node:net'
import { ConfigError } from '../server/config/env.ts'

/** Throws ConfigError with a sentence where nothing can listen on the port now. `variable` is what to change. */
export function checkPort(host: string, port: number, what: string, variable: string): Promise<void> {
  return new Promise((settle, fail) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why =
        error.code === 'EADDRINUSE'
          ? 'is taken by another program'
          : error.code === 'EACCES'
            ? 'may not be used by this user'
            : `cannot be used (${error.code})`
      const example = port < 65_000 ? port + 10 : port - 10
      fail(
        new ConfigError(
          `Port ${port}, which ${what} needs, ${why}. Stop that program, or choose another port: ${variable}=${example} npm start`,
          { cause: error },
        ),
      )
    })
    server.listen({ host, port, exclusive: true }, () => server.close(() => settle()))
  })
}
