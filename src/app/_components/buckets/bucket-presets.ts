export interface BucketPreset {
  id: string
  name: string
  /** Prefilled; `{region}` and `{account}` are to be replaced. */
  endpoint: string
  region: string
  forcePathStyle: boolean
  /** Where the keys are found, and what is special. */
  hint: string
}

/** Kinds of stores with what their endpoints look like. The last one fits every other. */
export const BUCKET_PRESETS: readonly BucketPreset[] = [
  {
    id: 'aws',
    name: 'Amazon S3',
    endpoint: 'https://s3.{region}.amazonaws.com',
    region: 'eu-central-1',
    forcePathStyle: false,
    hint: 'Use the keys of an IAM user that may list the bucket and put, get and delete its objects.',
  },
  {
    id: 'r2',
    name: 'Cloudflare R2',
    endpoint: 'https://{account}.r2.cloudflarestorage.com',
    region: 'auto',
    forcePathStyle: true,
    hint: 'The account ID stands on the R2 page; make the keys there under “Manage R2 API tokens”.',
  },
  {
    id: 'b2',
    name: 'Backblaze B2',
    endpoint: 'https://s3.{region}.backblazeb2.com',
    region: 'eu-central-003',
    forcePathStyle: true,
    hint: 'The endpoint stands on the bucket’s page. The key ID and the application key are the two keys.',
  },
  {
    id: 'gcs',
    name: 'Google Cloud Storage',
    endpoint: 'https://storage.googleapis.com',
    region: 'auto',
    forcePathStyle: true,
    hint: 'Make HMAC keys for a service account under Cloud Storage, Settings, Interoperability.',
  },
  {
    id: 'wasabi',
    name: 'Wasabi',
    endpoint: 'https://s3.{region}.wasabisys.com',
    region: 'eu-central-1',
    forcePathStyle: true,
    hint: 'Choose the region in which the bucket was made; the endpoint has it in its name.',
  },
  {
    id: 'other',
    name: 'Ceph, MinIO or other',
    endpoint: '',
    region: 'us-east-1',
    forcePathStyle: true,
    hint: 'Any store that speaks S3. An address in a private network has to be allowed with SLUICE_ALLOWED_PRIVATE_NETWORKS.',
  },
]

/** The endpoint of a preset for a region; what is not known yet stays as `{account}`. */
export function presetEndpoint(preset: BucketPreset, region: string): string {
  return preset.endpoint.replace('{region}', region.trim() || preset.region)
}

/** The preset whose endpoint this looks like; `other` where none does. */
export function presetOf(endpoint: string): BucketPreset {
  const host = endpoint.replace(/^https?:\/\//i, '').toLowerCase()
  const found = BUCKET_PRESETS.find(({ endpoint: pattern }) => {
    if (pattern === '') return false
    const tail = pattern.replace('https://', '').replace(/^.*\}\./, '')
    return host === tail || host.endsWith(`.${tail}`)
  })
  return found ?? (BUCKET_PRESETS.at(-1) as BucketPreset)
}
