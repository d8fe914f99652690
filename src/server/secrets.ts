import { createCipheriv, createDecipheriv, createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { TransferError } from './domain/failure.ts'

/**
 * Seals and opens credentials with AES-256-GCM (NIST SP 800-38D). Form: `v1.keyId.nonce.ciphertext.tag`, base64url each.
 * `place` (table.column, or table.column:row) is authenticated with it, so that a sealed value cannot be moved elsewhere.
 */
export interface Sealer {
  seal(plain: string, place: string): string
  /** Throws `secret_key_changed` where the value was sealed with another key or for another place. */
  open(sealed: string, place: string): string
}

/** `secretKey` is any text of 32 characters or more; the 256-bit key is its SHA-256. */
export function createSealer(secretKey: string): Sealer {
  const key = createHash('sha256').update('sluice sealing key\0').update(secretKey).digest()
  const keyId = createHash('sha256').update(key).digest('base64url').slice(0, 8)

  return {
    seal(plain, place) {
      const nonce = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(place))
      const sealed = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()])
      return [
        'v1',
        keyId,
        nonce.toString('base64url'),
        sealed.toString('base64url'),
        cipher.getAuthTag().toString('base64url'),
      ].join('.')
    },
    open(sealed, place) {
      const [version, sealedWith, nonce, body, tag] = sealed.split('.')
      if (version !== 'v1' || sealedWith !== keyId || nonce === undefined || body === undefined || tag === undefined)
        throw keyChanged()
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(nonce, 'base64url'))
          .setAAD(Buffer.from(place))
          .setAuthTag(Buffer.from(tag, 'base64url'))
        return decipher.update(Buffer.from(body, 'base64url'), undefined, 'utf8') + decipher.final('utf8')
      } catch (cause) {
        throw keyChanged(cause)
      }
    },
  }
}

function keyChanged(cause?: unknown): TransferError {
  return new TransferError(
    'secret_key_changed',
    'A stored credential was sealed with another key. Set SLUICE_SECRET_KEY to the key it was saved with, or enter the credential again.',
    { cause },
  )
}

/** How API tokens are stored and looked up: SHA-256 in hex. */
export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

/** Compares two secrets in constant time, whatever their lengths. */
export function sameSecret(a: string, b: string): boolean {
  return timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest())
}
