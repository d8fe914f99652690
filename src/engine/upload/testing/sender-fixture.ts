import { Agent, buildConnector } from 'undici'
import { afterEach } from 'vitest'
import type { BucketCapabilities, BucketConnection } from '../../../server/domain/bucket.ts'
import { createAddressGuard } from '../../source/address-guard.ts'
import type { HttpClientName } from '../../source/http-client.ts'
import { crc32cOf } from '../crc32c.ts'
import { createLeanPartCarrier } from '../http1/lean-part-carrier.ts'
import { keepingAnswers } from '../keeping-answers.ts'
import type { PartBody, PartUpload } from '../object-store.ts'
import type { PartCarrier } from '../part-carrier.ts'
import { dialectByName } from '../s3-dialects.ts'
import { createPartSender } from '../send-part.ts'
import { createUndiciPartCarrier } from '../undici-part-carrier.ts'
import { type RawRequest, startRawStore } from './raw-store.ts'

/** Everything a store can do, and nothing. */
export const ALL = dialectByName('ceph').capabilities
export const NONE = dialectByName('unknown').capabilities
const PSK = { identity: 'sluice', psk: Buffer.alloc(16, 7) }
/** TLS by a shared key, so that no certificate has to be made for a test. */
const TLS = { ciphers: 'PSK-AES128-GCM-SHA256', maxVersion: 'TLSv1.2' as const }

interface Setup {
  capabilities?: BucketCapabilities
  idleTimeoutMs?: number
  tls?: boolean
}

/** Where and what is sent; an endpoint is to be added. */
export const CONNECTION: Omit<BucketConnection, 'endpoint'> = {
  region: 'us-east-1',
  bucket: 'media',
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'not-to-be-shown',
  forcePathStyle: true,
  capabilities: null,
}

export const PART = {
  key: 'a b/c+d.bin',
  uploadId: 'upload~1',
  number: 3,
  onBytes: () => undefined,
  signal: new AbortController().signal,
}

/** Makes `setUp`: a store that does as told with each request, and a sender to it over that client. Closed after each test. */
export function createSenderSetUp(httpClient: HttpClientName) {
  const closers: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const close of closers.splice(0)) await close()
  })
  return async function setUp(onRequest: (request: RawRequest) => Promise<void> | void, setup: Setup = {}) {
    const store = await startRawStore(onRequest, setup.tls ? { ...TLS, pskCallback: () => PSK.psk } : undefined)
    const trust = setup.tls ? { ...TLS, pskCallback: () => PSK, checkServerIdentity: () => undefined } : {}
    const carrier = httpClient === 'lean' ? leanCarrier(trust) : undiciCarrier(trust)
    closers.push(
      async () => carrier.close(),
      () => store.close(),
    )
    let offsetMs = 0
    const clock = {
      now: () => new Date(Date.now() + offsetMs),
      correct(date: Date) {
        const offset = date.getTime() - Date.now()
        if (Math.abs(offset - offsetMs) < 60_000) return false
        offsetMs = offset
        return true
      },
    }
    const send = createPartSender({
      connection: { ...CONNECTION, endpoint: store.url },
      capabilities: setup.capabilities ?? ALL,
      carrier,
      clock,
      idleTimeoutMs: setup.idleTimeoutMs ?? 5000,
    })
    return {
      store,
      send: (part: Partial<PartUpload> & { body: PartBody; sizeBytes: number }) => send({ ...PART, ...part }),
    }
  }
}

/** A body in memory, with its checksum. */
export const held = (...slices: Uint8Array[]): PartBody => ({ kind: 'held', slices, crc32c: crc32cOf(slices) })
/** Takes the body and says so. */
export const accept = async (request: RawRequest) => {
  await request.readAll()
  request.answer('200 OK', { etag: '"e"' })
}
/** An error as S3 words it, with keys in it that nobody may see. */
export const errorBody = (code: string) =>
  `<?xml version="1.0"?><Error><Code>${code}</Code><Message>AKIDEXAMPLE not-to-be-shown</Message></Error>`

/** One buffer for all slices, overwritten as soon as the next is asked for. */
export function reusing(bytes: Uint8Array, sliceBytes: number): PartBody {
  return {
    kind: 'streamed',
    slices: (async function* () {
      const pooled = Buffer.alloc(sliceBytes)
      for (let start = 0; start < bytes.length; start += sliceBytes) {
        pooled.fill(0xee)
        const slice = bytes.subarray(start, start + sliceBytes)
        pooled.set(slice)
        yield pooled.subarray(0, slice.length)
      }
    })(),
  }
}

function undiciCarrier(trust: object): PartCarrier {
  const connect = buildConnector({ allowH2: false, ...trust } as buildConnector.BuildOptions)
  return createUndiciPartCarrier(
    new Agent({ connect: keepingAnswers(connect), connections: 4, pipelining: 1, allowH2: false }),
  )
}

function leanCarrier(trust: object): PartCarrier {
  const guard = createAddressGuard({ allowedNetworks: ['127.0.0.0/8'], exemptListeners: [] })
  return createLeanPartCarrier({ guard, timeoutMs: 20_000, maxConnections: 4, tls: trust })
}
