import { cRelay } from './c-relay.ts'
import { curlIntoAws, curlIntoCurl } from './curl.ts'
import { libStorage } from './lib-storage.ts'
import type { Peer } from './peer.ts'
import { aria2ThenRclone, rcloneCopyUrl, rcloneHttp } from './rclone.ts'

/** Everybody but Sluice, by name; made when asked for, after what they need was fetched. */
export const PEERS: Readonly<Record<string, () => Peer>> = {
  'lib-storage': libStorage,
  'rclone-copyurl': rcloneCopyUrl,
  'rclone-http': () => rcloneHttp(null),
  'rclone-http-16': () => rcloneHttp(16),
  'rclone-http-64': () => rcloneHttp(64),
  'curl-into-aws': curlIntoAws,
  'aria2-then-rclone': aria2ThenRclone,
  'curl-into-curl': curlIntoCurl,
  'c-relay': cRelay,
}
