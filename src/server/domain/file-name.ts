/**
 * The file name at the end of a URL's path, decoded and safe as the last segment of an object key: no slash, no control
 * character, no dot segment, at most 255 bytes. `download` where the path has none.
 */
export function fileNameFromUrl(text: string): string {
  let segment: string
  try {
    segment = new URL(text).pathname.split('/').at(-1) ?? ''
  } catch {
    return 'download'
  }
  return safeFileName(decode(segment))
}

/** Any suggested name made safe in the same way. */
export function safeFileName(suggested: string): string {
  const name = suggested
    .toWellFormed()
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is replaced here.
    .replace(/[\u0000-\u001f\u007f/\\]+/g, '_')
    .trim()
  if (name === '' || name === '.' || name === '..') return 'download'
  return cutToBytes(name, 255)
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

/** Cuts the stem, not the extension, and never inside a character. */
function cutToBytes(name: string, limitBytes: number): string {
  const bytes = (text: string) => new TextEncoder().encode(text).length
  if (bytes(name) <= limitBytes) return name
  const dot = name.lastIndexOf('.')
  const extension = dot > 0 && bytes(name.slice(dot)) <= 32 ? name.slice(dot) : ''
  const stem = [...name.slice(0, name.length - extension.length)]
  while (stem.length > 0 && bytes(stem.join('')) + bytes(extension) > limitBytes) stem.pop()
  return stem.join('') + extension
}
