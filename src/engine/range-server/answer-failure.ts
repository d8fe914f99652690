import { TransferError } from '../../server/domain/failure.ts'

/** How a failure is told to a reader: nothing of the origin's address or credentials is in it. */
export interface FailureAnswer {
  readonly status: number
  readonly sentence: string
  readonly retryAfterSeconds: number | null
}

/** The status and sentence for what kept an answer from beginning. */
export function answerForFailure(error: unknown): FailureAnswer {
  const answer = (status: number, sentence: string, retryAfterSeconds: number | null = null) => ({
    status,
    sentence,
    retryAfterSeconds,
  })
  if (!(error instanceof TransferError))
    return answer(500, 'Sluice hit an unexpected error. The log of the engine has the details.')
  const waitSeconds = error.retryAfterMs === undefined ? null : Math.max(1, Math.ceil(error.retryAfterMs / 1000))
  switch (error.code) {
    case 'source_not_found':
      return answer(404, 'The origin has no such file.')
    case 'source_gone':
      return answer(410, 'The origin says that this file is gone for good.')
    case 'source_forbidden':
      return answer(403, 'The origin refuses this file.')
    case 'source_rate_limited':
      return answer(503, 'The origin asks for fewer requests. Try again later.', waitSeconds ?? 5)
    case 'timed_out':
      return waitSeconds === null
        ? answer(504, 'The origin took too long to send what was asked for.')
        : answer(503, 'Too much is being fetched just now. Try again in a moment.', waitSeconds)
    case 'shutting_down':
      return answer(503, 'This engine is being stopped. Try again in a moment.', 2)
    case 'connect_timeout':
    case 'idle_timeout':
      return answer(504, 'The origin did not answer in time.')
    case 'source_changed':
      return answer(503, 'The file is changing at the origin just now. Try again in a moment.', 1)
    case 'source_error':
      return waitSeconds === null
        ? answer(502, 'The origin has a problem of its own.')
        : answer(503, 'The origin has a problem of its own and is given a rest. Try again later.', waitSeconds)
    case 'source_unauthorized':
      return answer(502, 'The origin does not take the credentials that were given for it.')
    case 'database_unavailable':
      return answer(503, 'Tokens cannot be checked just now. Try again in a moment.', 2)
    default:
      return answer(502, 'The origin could not be read.')
  }
}
