/**
 * The key of an object from the bucket's prefix, the folder for all lines, and the name. Slashes around the folder are as one likes;
 * the prefix stands as it was saved, since `2026-` is a prefix as good as `2026/`.
 */
export function composeKey(prefix: string, folder: string, name: string): string {
  const middle = folder.trim().replace(/^\/+|\/+$/g, '')
  return `${prefix}${middle === '' ? '' : `${middle}/`}${name}`
}

/** The keys that more than one row has. Two transfers into one key would overwrite each other. */
export function sharedKeys(keys: readonly string[]): Set<string> {
  const seen = new Set<string>()
  return new Set(keys.filter((key) => seen.size === seen.add(key).size))
}
