import { ConnectionPools, type PoolOptions } from '../../source/http1/connection-pool.ts'
import { requestHead } from '../../source/http1/request-head.ts'
import { holdBackWriteErrors } from '../keeping-answers.ts'
import type { PartCarrier } from '../part-carrier.ts'
import { LeanPut } from './lean-put.ts'

/** PUTs over plain sockets of our own, with the connections, the parser and the guard of source/http1. */
export function createLeanPartCarrier(options: PoolOptions): PartCarrier {
  const pools = new ConnectionPools({ ...options, prepare: holdBackWriteErrors })
  return {
    async put(request) {
      request.signal.throwIfAborted()
      const url = new URL(request.origin)
      const head = requestHead('PUT', request.path, url.host, request.headers)
      return new LeanPut(pools.of(url), head, request).answer
    },
    close: () => pools.close(),
  }
}
