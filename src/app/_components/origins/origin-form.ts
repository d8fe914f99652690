import { parseBytes, splitBytes } from '../../../server/domain/bytes.ts'
import {
  type OriginAccess,
  type OriginHttpVersion,
  type PublishedOriginSave,
  type PublishedOriginView,
  publishedOriginSaveSchema,
} from '../../../server/domain/published-origin.ts'

/** One header as typed. */
export interface HeaderRow {
  id: number
  name: string
  value: string
}

/** The form as typed. */
export interface OriginForm {
  name: string
  baseUrl: string
  access: OriginAccess
  /** Empty: as the origin says. */
  ttlSeconds: string
  heuristicFreshness: boolean
  sizeCap: string
  lanes: string
  httpVersion: OriginHttpVersion
  /** Null: those that are stored stay. */
  headers: HeaderRow[] | null
}

export type OriginErrors = Partial<Record<keyof OriginForm | 'form', string>>

/** The form of an origin that is changed, or of a new one. Header values are never sent here. */
export function formOf(origin: PublishedOriginView | null): OriginForm {
  const cap = origin?.sizeCapBytes == null ? null : splitBytes(origin.sizeCapBytes)
  return {
    name: origin?.name ?? '',
    baseUrl: origin?.baseUrl ?? 'https://',
    access: origin?.access ?? 'public',
    ttlSeconds: origin?.ttlSeconds == null ? '' : String(origin.ttlSeconds),
    heuristicFreshness: origin?.heuristicFreshness ?? false,
    sizeCap: cap ? `${cap.value} ${cap.unit}` : '',
    lanes: origin?.lanes == null ? '' : String(origin.lanes),
    httpVersion: origin?.httpVersion ?? '1.1',
    headers: origin && origin.headerNames.length > 0 ? null : [],
  }
}

/** What is wrong with the form, by field; or what may be saved. */
export function checkForm(
  form: OriginForm,
  origin: PublishedOriginView | null,
): { errors: OriginErrors } | { input: PublishedOriginSave } {
  const errors: OriginErrors = {}
  const sizeCapBytes = form.sizeCap.trim() === '' ? null : parseBytes(form.sizeCap)
  if (form.sizeCap.trim() !== '' && sizeCapBytes === null) errors.sizeCap = 'Write a size, such as 20 GiB.'
  const filled = form.headers?.filter(({ name, value }) => name.trim() !== '' || value !== '')
  const names = filled?.map(({ name }) => name.trim().toLowerCase()) ?? []
  if (new Set(names).size < names.length) errors.headers = 'Two headers have the same name.'
  const input = {
    ...(origin ? { id: origin.id } : {}),
    name: form.name,
    baseUrl: form.baseUrl,
    access: form.access,
    ttlSeconds: number(form.ttlSeconds),
    heuristicFreshness: form.heuristicFreshness,
    // The form shows a rounded size: one that was not touched stays exactly what it was.
    sizeCapBytes: form.sizeCap === formOf(origin).sizeCap ? (origin?.sizeCapBytes ?? null) : sizeCapBytes,
    lanes: number(form.lanes),
    httpVersion: form.httpVersion,
    ...(filled ? { headers: Object.fromEntries(filled.map(({ name, value }) => [name.trim(), value])) } : {}),
  }
  const parsed = publishedOriginSaveSchema.safeParse(input)
  if (!parsed.success)
    for (const issue of parsed.error.issues) addIssue(errors, String(issue.path[0] ?? ''), issue.message)
  return Object.keys(errors).length > 0 || !parsed.success ? { errors } : { input: parsed.data }
}

/** Errors of the API by field; what belongs to no field stands above the buttons. */
export function apiErrors(issues: readonly { path: string; message: string }[], message: string): OriginErrors {
  const errors: OriginErrors = {}
  for (const issue of issues) addIssue(errors, issue.path.split('.')[0] ?? '', issue.message)
  if (Object.keys(errors).length > 0) return errors
  return /origin named "/.test(message) ? { name: message } : { form: message }
}

const FIELDS = ['name', 'baseUrl', 'access', 'ttlSeconds', 'lanes', 'httpVersion', 'headers'] as const

function addIssue(errors: OriginErrors, path: string, message: string): void {
  const field = path === 'sizeCapBytes' ? 'sizeCap' : (FIELDS.find((name) => name === path) ?? 'form')
  errors[field] ??= message
}

/** Empty is nothing; what is no number stays one, so that the schema refuses it. */
function number(text: string): number | null {
  return text.trim() === '' ? null : Number(text)
}
