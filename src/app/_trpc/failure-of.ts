import { type Failure, failureSchema } from '../../server/domain/failure.ts'

/** The failure an API error carries, as a sentence to show. An error that never reached the API says that. */
export function failureOf(error: unknown): Failure {
  const data =
    typeof error === 'object' && error !== null ? (error as { data?: { failure?: unknown } }).data : undefined
  return (
    failureSchema.safeParse(data?.failure).data ?? {
      code: 'internal_error',
      message: 'Sluice does not answer. Check that it runs, then try again.',
      retry: 'now',
    }
  )
}
