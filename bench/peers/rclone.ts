import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../../scripts/runner/run-program.ts'
import { shellWord } from '../harness/measure-script.ts'
import type { Peer, Work } from './peer.ts'
import { program, scriptPeer } from './script-peer.ts'

/** Where get-rclone.sh puts a current one: that of the system may be too old to read with several streams. */
export const OWN_RCLONE = join(ROOT, '.cache', 'bench', 'rclone', 'usr', 'bin', 'rclone')

function rclone() {
  return existsSync(OWN_RCLONE) ? { name: 'rclone', path: OWN_RCLONE } : program('rclone')
}

/** `rclone copyurl`: one stream from the source. */
export function rcloneCopyUrl(): Peer {
  const { path, name } = rclone()
  return scriptPeer({
    name: 'rclone-copyurl',
    programs: [{ path, name }],
    ofFile: (file, { store }) => `${path} copyurl ${shellWord(file.url)} bench:${store.bucket}/${file.key}`,
  })
}

/**
 * rclone's `:http:` remote, with its default of 4 streams (`null`) or a number by hand. Several files are copied as a folder, as many at
 * once as streams would be, because that is how one speeds up small files with it.
 */
export function rcloneHttp(streams: number | null): Peer {
  const { path, name } = rclone()
  const flags = streams === null ? '' : `--multi-thread-streams ${streams} --multi-thread-cutoff 5M`
  const remote = (url: string) => `--http-url ${shellWord(new URL('.', url).href)}`
  return scriptPeer({
    name: streams === null ? 'rclone-http' : `rclone-http-${streams}`,
    programs: [{ path, name }],
    cannot: (work) =>
      work.files.length > 1 && work.listingUrl === null
        ? 'It copies many files by a listing, and the source has none.'
        : null,
    ofAll: (work) => {
      const [file] = work.files
      if (!file) return 'true'
      if (work.files.length === 1)
        return `${path} copyto ${flags} ${remote(file.url)} :http:${fileName(file)} bench:${work.store.bucket}/${file.key}`
      const transfers = streams === null ? '' : `--transfers ${streams} --checkers ${streams}`
      return `${path} copy ${flags} ${transfers} --http-url ${shellWord(work.listingUrl ?? '')} :http: bench:${work.store.bucket}/${work.keyPrefix}`
    },
  })
}

/** The file first to a disk with 16 connections, then from there. */
export function aria2ThenRclone(): Peer {
  const aria2 = program('aria2c')
  const { path, name } = rclone()
  const authority = (work: Work) => (work.tls ? `--ca-certificate=${shellWord(work.tls.authority)}` : '')
  return scriptPeer({
    name: 'aria2-then-rclone',
    programs: [aria2, { path, name }],
    ofFile: (file, work) => {
      const local = fileName(file)
      const get = `${aria2.path} -q -x16 -s16 -k1M --file-allocation=none ${authority(work)} -d ${shellWord(work.scratchFolder)} -o ${local} ${shellWord(file.url)}`
      const copy = `${path} copyto ${shellWord(`${work.scratchFolder}/${local}`)} bench:${work.store.bucket}/${file.key}`
      return `${get} && ${copy}`
    },
  })
}

function fileName(file: { url: string }): string {
  return file.url.split('/').at(-1) ?? ''
}
