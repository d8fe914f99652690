import type { Agent as HttpsAgent } from 'node:https'
import { S3Client } from '@aws-sdk/client-s3'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { Agent } from 'undici'
import type { BucketConnection } from '../../server/domain/bucket.ts'
import type { AddressGuard } from '../source/address-guard.ts'
import { guardedAgent, guardedConnector } from '../source/guarded-connect.ts'
import type { HttpClientName } from '../source/http-client.ts'
import { createLeanPartCarrier } from './http1/lean-part-carrier.ts'
import { keepingAnswers } from './keeping-answers.ts'
import type { PartCarrier } from './part-carrier.ts'
import type { SigningClock } from './send-part.ts'
import { createUndiciPartCarrier } from './undici-part-carrier.ts'

export interface S3ClientOptions {
  readonly guard: AddressGuard
  readonly connectTimeoutMs: number
  readonly idleTimeoutMs: number
  /** Connections for parts; the control plane has as many of its own at most. */
  readonly maxConnections: number
  /** What carries the bodies of parts; undici where nothing is given. */
  readonly httpClient?: HttpClientName
}

export interface S3Clients {
  /** For calls that may be made twice: the SDK's own retries, three attempts. */
  readonly repeatable: S3Client
  /** For Create and Complete, which are sent once: who asked finds out what became of them. */
  readonly once: S3Client
  /** For the bodies of parts. */
  readonly parts: PartCarrier
  readonly clock: SigningClock
  close(): void
}

/** The SDK would write its warnings to the console; what matters comes out as an error. */
const SILENT = { trace() {}, debug() {}, info() {}, warn() {}, error() {} }

/** Both planes to one bucket, behind the address guard. Throws TransferError where the endpoint may not be reached. */
export function createS3Clients(connection: BucketConnection, options: S3ClientOptions): S3Clients {
  const { guard, connectTimeoutMs, idleTimeoutMs, maxConnections } = options
  guard.checkUrl(connection.endpoint)
  const agentOptions = { keepAlive: true, maxSockets: maxConnections, maxFreeSockets: maxConnections }
  const httpAgent = guardedAgent(guard, 'http:', agentOptions)
  const httpsAgent = guardedAgent(guard, 'https:', agentOptions)
  const requestHandler = new NodeHttpHandler({
    httpAgent,
    httpsAgent: httpsAgent as HttpsAgent,
    connectionTimeout: connectTimeoutMs,
    requestTimeout: idleTimeoutMs,
    throwOnRequestTimeout: true,
    logger: SILENT,
  })
  const client = (maxAttempts: number) =>
    new S3Client({
      endpoint: connection.endpoint,
      region: connection.region,
      credentials: { accessKeyId: connection.accessKeyId, secretAccessKey: connection.secretAccessKey },
      forcePathStyle: connection.forcePathStyle,
      requestHandler,
      maxAttempts,
      logger: SILENT,
      // Stores differ in which checksums they take: the dialect decides, not the SDK (it broke R2, B2 and others).
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      // Parts are signed for the region of the settings. Following elsewhere would hide a wrong one until the first part.
      followRegionRedirects: false,
    })
  const repeatable = client(3)
  const once = client(1)
  const parts =
    options.httpClient === 'lean'
      ? createLeanPartCarrier({ guard, timeoutMs: connectTimeoutMs, maxConnections })
      : createUndiciPartCarrier(
          new Agent({
            connect: keepingAnswers(guardedConnector(guard, { timeoutMs: connectTimeoutMs })),
            connections: maxConnections,
            pipelining: 1,
            allowH2: false,
          }),
        )
  return {
    repeatable,
    once,
    parts,
    clock: sharedClock(repeatable, once),
    close() {
      repeatable.destroy()
      once.destroy()
      httpAgent.destroy()
      httpsAgent.destroy()
      parts.close()
    },
  }
}

/** The SDK keeps an offset to the store's clock and corrects it; parts are signed with the same one. */
function sharedClock(repeatable: S3Client, once: S3Client): SigningClock {
  const offsetMs = () => repeatable.config.systemClockOffset || once.config.systemClockOffset || 0
  return {
    now: () => new Date(Date.now() + offsetMs()),
    correct(storeDate) {
      const offset = storeDate.getTime() - Date.now()
      if (Math.abs(offset - offsetMs()) < 60_000) return false
      repeatable.config.systemClockOffset = offset
      once.config.systemClockOffset = offset
      return true
    },
  }
}
