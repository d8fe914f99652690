import { generateKeyPairSync, sign } from 'node:crypto'

/** DER (X.690): tag, length, content. */
function der(tag: number, ...contents: Uint8Array[]): Buffer {
  const content = Buffer.concat(contents)
  if (content.length < 128) return Buffer.concat([Buffer.from([tag, content.length]), content])
  const length = Buffer.from(content.length.toString(16).padStart(4, '0'), 'hex')
  return Buffer.concat([Buffer.from([tag, 0x82]), length, content])
}

const sequence = (...contents: Uint8Array[]) => der(0x30, ...contents)
const utcTime = (date: Date) =>
  der(0x17, Buffer.from(`${date.toISOString().replace(/[-:T]/g, '').slice(2, 14)}Z`, 'ascii'))

/** ecdsa-with-SHA256, commonName and subjectAltName, as DER object identifiers. */
const ECDSA_SHA256 = Buffer.from('06082a8648ce3d040302', 'hex')
const COMMON_NAME = Buffer.from('0603550403', 'hex')
const SUBJECT_ALT_NAME = Buffer.from('0603551d11', 'hex')

/**
 * A self-signed certificate (RFC 5280) made on the spot, so that no key lies in the repository: for 127.0.0.1 or a host
 * name, valid from an hour ago for `validMs` (negative: expired).
 */
export function selfSignedCertificate(options: { readonly host?: string; readonly validMs?: number } = {}): {
  key: string
  cert: string
} {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const host = options.host ?? '127.0.0.1'
  const nowMs = Date.now()
  const validMs = options.validMs ?? 3_600_000
  const notAfterMs = nowMs + validMs
  const name = sequence(der(0x31, sequence(COMMON_NAME, der(0x0c, Buffer.from('hostile source')))))
  const isAddress = /^[\d.]+$/.test(host)
  const alternative = isAddress ? der(0x87, Buffer.from(host.split('.').map(Number))) : der(0x82, Buffer.from(host))
  const algorithm = sequence(ECDSA_SHA256)
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1])),
    algorithm,
    name,
    sequence(utcTime(new Date(Math.min(nowMs, notAfterMs) - 3_600_000)), utcTime(new Date(notAfterMs))),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(sequence(SUBJECT_ALT_NAME, der(0x04, sequence(alternative))))),
  )
  const signature = sign('sha256', body, privateKey)
  const certificate = sequence(body, algorithm, der(0x03, Buffer.concat([Buffer.from([0]), signature])))
  const lines = certificate.toString('base64').replace(/.{64}/g, '$&\n')
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
  }
}
