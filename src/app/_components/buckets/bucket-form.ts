import { type BucketSave, type BucketView, bucketSaveSchema } from '../../../server/domain/bucket.ts'
import { BUCKET_PRESETS, type BucketPreset, presetEndpoint } from './bucket-presets.ts'

/** The form as typed. */
export interface BucketForm {
  name: string
  endpoint: string
  region: string
  bucket: string
  accessKeyId: string
  secretAccessKey: string
  forcePathStyle: boolean
  prefix: string
}

export type FormErrors = Partial<Record<keyof BucketForm | 'form', string>>

/** The form of a bucket that is changed, or of a new one. Keys are never sent here, so that they begin empty. */
export function formOf(bucket: BucketView | null): BucketForm {
  const [preset] = BUCKET_PRESETS
  return {
    name: bucket?.name ?? '',
    endpoint: bucket?.endpoint ?? (preset ? presetEndpoint(preset, preset.region) : ''),
    region: bucket?.region ?? preset?.region ?? '',
    bucket: bucket?.bucket ?? '',
    accessKeyId: '',
    secretAccessKey: '',
    forcePathStyle: bucket?.forcePathStyle ?? preset?.forcePathStyle ?? true,
    prefix: bucket?.prefix ?? '',
  }
}

/** The form with what a preset knows; names and keys stay. */
export function withPreset(form: BucketForm, preset: BucketPreset): BucketForm {
  return {
    ...form,
    endpoint: presetEndpoint(preset, preset.region),
    region: preset.region,
    forcePathStyle: preset.forcePathStyle,
  }
}

/** The form with another region: an endpoint that was made from the old one follows it. */
export function withRegion(form: BucketForm, region: string, preset: BucketPreset): BucketForm {
  const follows = preset.endpoint.includes('{region}') && form.endpoint === presetEndpoint(preset, form.region)
  return { ...form, region, endpoint: follows ? presetEndpoint(preset, region) : form.endpoint }
}

/** What is wrong with the form, by field; or what may be saved. */
export function checkForm(form: BucketForm, id: string | undefined): { errors: FormErrors } | { input: BucketSave } {
  const errors: FormErrors = {}
  const parsed = bucketSaveSchema.safeParse({ ...form, ...(id ? { id } : {}) })
  if (!parsed.success) for (const issue of parsed.error.issues) addIssue(errors, issue.path.join('.'), issue.message)
  if (/[{}]/.test(form.endpoint)) errors.endpoint = 'Replace {account} with the account ID of the store.'
  const hasId = form.accessKeyId.trim() !== ''
  const hasSecret = form.secretAccessKey.trim() !== ''
  if (!hasId && (!id || hasSecret)) errors.accessKeyId = 'Fill in the access key ID.'
  if (!hasSecret && (!id || hasId)) errors.secretAccessKey = 'Fill in the secret access key.'
  return Object.keys(errors).length > 0 || !parsed.success ? { errors } : { input: parsed.data }
}

/** Errors of the API by field; what belongs to no field stands above the buttons. */
export function apiErrors(issues: readonly { path: string; message: string }[], message: string): FormErrors {
  const errors: FormErrors = {}
  for (const issue of issues) addIssue(errors, issue.path, issue.message)
  if (Object.keys(errors).length > 0) return errors
  return /bucket named "/.test(message) ? { name: message } : { form: message }
}

function addIssue(errors: FormErrors, path: string, message: string): void {
  const field = FIELDS.find((name) => name === path) ?? 'form'
  errors[field] ??= message
}

const FIELDS = ['name', 'endpoint', 'region', 'bucket', 'accessKeyId', 'secretAccessKey', 'prefix'] as const
