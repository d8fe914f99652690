import { parse } from 'content-disposition'
import { keyProblem } from '../../server/domain/transfer-input.ts'

/** The longest name most file systems take, in bytes of UTF-8. */
const MAX_NAME_BYTES = 255
/** An extension longer than this is no extension. */
const MAX_EXTENSION_BYTES = 32
const LAST_RESORT = 'download'

/**
 * The name a source suggests: from Content-Disposition (RFC 6266), else from the path of the link, else of where it led to.
 * Always one segment that is safe as a key: no slash, no dot segment, no control or direction character, at most
 * 255 bytes (correctness.md case 29).
 */
export function fileNameOf(disposition: string | null, start: URL, end: URL): string {
  const suggested = disposition === null ? null : cleanName(dispositionName(disposition) ?? '')
  if (suggested) return suggested
  const startName = cleanName(pathName(start))
  const endName = cleanName(pathName(end))
  const withExtension = [startName, endName].find((name) => name && /[^.]\.[A-Za-z0-9]/.test(name))
  return withExtension ?? startName ?? endName ?? LAST_RESORT
}

/** The file name of a Content-Disposition given as latin1 text; filename* (RFC 8187) wins over filename. */
function dispositionName(header: string): string | null {
  let parameters: Record<string, string>
  try {
    parameters = parse(header).parameters
  } catch {
    return null
  }
  const name = parameters.filename
  if (name === undefined || name === '') return null
  const extended = parameters['filename*']
  // The library has decoded filename* already when it could; its text must not be decoded twice.
  if (extended !== undefined && /^[^']+'[^']*'/.test(extended)) return name
  return decodePercent(decodeWords(utf8OfLatin1(name)))
}

/** The last segment of a path, decoded once. A "+" is a plus and "%2B" is one too; neither is a space. */
function pathName(url: URL): string {
  return decodePercent(url.pathname.split('/').at(-1) ?? '')
}

/** Header bytes come as latin1 text. Where they are UTF-8 they are read as that; anything else stays as it is. */
function utf8OfLatin1(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the question is whether every character is one byte.
  if (!/[\u0080-\u00ff]/.test(text) || /[^\u0000-\u00ff]/.test(text)) return text
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(text, 'latin1'))
  } catch {
    return text
  }
}

function decodePercent(text: string): string {
  if (!/%[0-9A-Fa-f]{2}/.test(text)) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Encoded words of RFC 2047, which mail software leaves in HTTP headers: =?UTF-8?B?...?= and =?UTF-8?Q?...?=. */
function decodeWords(text: string): string {
  return text
    .replace(/(\?=)\s+(=\?)/g, '$1$2')
    .replace(/=\?([A-Za-z0-9_-]+)\?([BbQq])\?([^?]*)\?=/g, (whole, charset: string, coding: string, body: string) => {
      const bytes =
        coding.toLowerCase() === 'b'
          ? Buffer.from(body, 'base64')
          : Buffer.from(
              body
                .replace(/_/g, ' ')
                .replace(/=([0-9A-Fa-f]{2})/g, (_match, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
              'latin1',
            )
      try {
        return new TextDecoder(charset, { fatal: true }).decode(bytes)
      } catch {
        return whole
      }
    })
}

/** One safe segment, or null where nothing usable is left. */
function cleanName(text: string): string | null {
  const segment = text.toWellFormed().split(/[/\\]/).at(-1) ?? ''
  const visible = segment
    // Control characters, and those that turn the direction of text so that an extension can hide.
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed here.
    .replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufffd]/g, '')
    .normalize('NFC')
    .trim()
  if (visible === '' || /^\.+$/.test(visible)) return null
  const short = shorten(visible)
  return keyProblem(short) === null ? short : null
}

/** Cuts to MAX_NAME_BYTES between characters and keeps the extension. */
function shorten(name: string): string {
  const bytesOf = (text: string) => Buffer.byteLength(text)
  if (bytesOf(name) <= MAX_NAME_BYTES) return name
  const dot = name.lastIndexOf('.')
  const extension = dot > 0 && bytesOf(name.slice(dot)) <= MAX_EXTENSION_BYTES ? name.slice(dot) : ''
  let stem = ''
  for (const character of name.slice(0, name.length - extension.length)) {
    if (bytesOf(stem) + bytesOf(character) + bytesOf(extension) > MAX_NAME_BYTES) break
    stem += character
  }
  return stem + extension
}
