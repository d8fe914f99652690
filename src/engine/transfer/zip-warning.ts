import type { Warning } from '../../server/domain/failure.ts'

/** How a ZIP begins: a file, the end of an empty archive, or a spanned one (APPNOTE.TXT, sections 4.3.7, 4.3.16, 8.5.4). */
const SIGNATURES = ['504b0304', '504b0506', '504b0708']
/** Endings of formats that are ZIP files inside. */
const ZIP_FORMATS = new Set(
  `zip zipx jar war ear aar apk apks aab xapk ipa docx docm dotx xlsx xlsm xltx xlsb pptx pptm potx ppsx odt ods odp odg epub kmz
  cbz xpi crx vsix nupkg whl egg npz pt pth ckpt keras usdz 3mf sketch key pages numbers fla oxps xps cdr idml mcpack mcworld
  mbz h5p dwfx appx msix appxbundle msixbundle zim kra ora`.split(/\s+/),
)
/** Endings that promise nothing about the bytes. */
const GENERIC = new Set([
  'bin',
  'dat',
  'data',
  'file',
  'download',
  'tmp',
  'part',
  'backup',
  'bak',
  'blob',
  'raw',
  'php',
])
const ZIP_TYPE =
  /zip|officedocument|opendocument|java-archive|epub|android\.package|ms-word|ms-excel|ms-powerpoint|macroenabled/i
const GENERIC_TYPE = /^(application\/(octet-stream|x-download|force-download|binary)|binary\/octet-stream)?\s*(;|$)/i
const GZIP_TYPE = /gzip|bzip|7z|x-lzip/i

/**
 * A remark where a file that is named or declared as ZIP does not begin like one, and the reverse (product.md A12): often a login
 * page or an error in place of the file. Null where name, declaration and bytes agree or promise nothing.
 */
export function zipWarning(
  file: { readonly key: string; readonly url: string; readonly contentType: string | null },
  firstBytes: Uint8Array,
): Warning | null {
  const isZip = SIGNATURES.includes(Buffer.from(firstBytes.subarray(0, 4)).toString('hex'))
  const endings = [endingOf(file.key), endingOf(pathOf(file.url))].filter((ending) => ending !== null)
  const type = file.contentType ?? ''
  const isDeclared = /^application\/(x-)?zip(-compressed)?\s*(;|$)/i.test(type)
  const named = endings.includes('zip')
  if (!isZip && (named || isDeclared))
    return {
      code: 'not_a_zip',
      message: `The file is ${named ? 'named' : 'declared'} as a ZIP archive, but its first bytes are not those of one. It may be a web page or an error in its place; look at it before you use it.`,
    }
  const promises = endings.some((ending) => !GENERIC.has(ending)) || (!GENERIC_TYPE.test(type) && type !== '')
  const isExpected = endings.some((ending) => ZIP_FORMATS.has(ending)) || (ZIP_TYPE.test(type) && !GZIP_TYPE.test(type))
  if (isZip && promises && !isExpected)
    return {
      code: 'is_a_zip',
      message:
        'The file is neither named nor declared as a ZIP archive, but its first bytes are those of one. Check that it is the file you mean.',
    }
  return null
}

function endingOf(name: string): string | null {
  return /[^/.]\.([A-Za-z0-9]{1,12})$/.exec(name)?.[1]?.toLowerCase() ?? null
}

function pathOf(url: string): string {
  return URL.canParse(url) ? new URL(url).pathname : ''
}
