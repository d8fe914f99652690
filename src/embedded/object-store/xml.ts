import { XMLParser, XMLValidator } from 'fast-xml-parser'
import { S3Error } from './s3-error.ts'

const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/'

/** What becomes XML: text, or elements by name; a list repeats its element; undefined and null leave it out. */
export type XmlValue = string | number | boolean | null | undefined | XmlElements | readonly XmlValue[]
export interface XmlElements {
  readonly [name: string]: XmlValue
}

/** A whole XML document with S3's namespace (errors have none, as S3's do not). */
export function xmlDocument(root: string, elements: XmlElements, options: { namespace?: boolean } = {}): string {
  const attribute = options.namespace === false ? '' : ` xmlns="${NAMESPACE}"`
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root}${attribute}>${renderElements(elements)}</${root}>`
}

function renderElements(elements: XmlElements): string {
  let text = ''
  for (const [name, value] of Object.entries(elements)) text += renderElement(name, value)
  return text
}

function renderElement(name: string, value: XmlValue): string {
  if (value === undefined || value === null) return ''
  if (Array.isArray(value)) return value.map((item: XmlValue) => renderElement(name, item)).join('')
  if (typeof value === 'object') return `<${name}>${renderElements(value as XmlElements)}</${name}>`
  return `<${name}>${escapeXml(String(value))}</${name}>`
}

/** Text for an element. Control characters become references, as S3 writes them, so that no key breaks the document's lines. */
export function escapeXml(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this escapes
  return text.replace(/[&<>"'\u0000-\u001f\u007f]/g, (character) => {
    switch (character) {
      case '&':
        return '&amp;'
      case '<':
        return '&lt;'
      case '>':
        return '&gt;'
      case '"':
        return '&quot;'
      case "'":
        return '&apos;'
      default:
        return `&#${character.charCodeAt(0)};`
    }
  })
}

const parser = new XMLParser({
  ignoreAttributes: true,
  removeNSPrefix: true,
  parseTagValue: false,
  trimValues: false,
  htmlEntities: true,
})

/** The children of `root` in a request body. Throws MalformedXML for anything else, document types included. */
export function parseXml(body: string, root: string): Record<string, unknown> {
  const malformed = () =>
    new S3Error('MalformedXML', `The request body is not the ${root} document that this request needs.`)
  // A document type could define entities that expand without end; no S3 client sends one.
  if (body.includes('<!DOCTYPE') || XMLValidator.validate(body) !== true) throw malformed()
  let parsed: unknown
  try {
    parsed = parser.parse(body)
  } catch {
    throw malformed()
  }
  const element = isRecord(parsed) ? parsed[root] : undefined
  if (typeof element === 'string' && element.trim() === '') return {}
  if (!isRecord(element)) throw malformed()
  return element
}

/** The repeated child elements called `name`, none, one or many. */
export function xmlChildren(element: Record<string, unknown>, name: string): Record<string, unknown>[] {
  const value = element[name]
  const list = value === undefined ? [] : Array.isArray(value) ? value : [value]
  return list.map((item) => (isRecord(item) ? item : {}))
}

/** The text of a child element, or undefined where it is not there. */
export function xmlText(element: Record<string, unknown>, name: string): string | undefined {
  const value = element[name]
  return typeof value === 'string' ? value : undefined
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
