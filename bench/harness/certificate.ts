import { execFileSync } from 'node:child_process'
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import type { TlsFiles } from '../sources/source.ts'

/** A certificate for 127.0.0.1 that signs itself, for a day, in `folder`. Throws where openssl is missing. */
export function makeCertificate(folder: string): TlsFiles {
  const key = join(folder, 'key.pem')
  const certificate = join(folder, 'certificate.pem')
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1']
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1']
  execFileSync(
    'openssl',
    ['req', '-x509', ...curve, '-nodes', '-days', '1', ...subject, '-keyout', key, '-out', certificate],
    { stdio: 'pipe' },
  )
  chmodSync(folder, 0o755)
  return { key, certificate, authority: certificate }
}
