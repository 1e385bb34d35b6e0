import { CurateError } from '../../pipelines/core/errors.ts'
import type { Endpoint } from './endpoint.ts'
import type { ChatFailure, FailureCause } from './types.ts'

/** Whether a failure will meet every other question as well: then nobody need ask it. */
export function isFatal({ cause }: ChatFailure, { answers }: Endpoint): boolean {
  if (cause === 'unauthorized' || cause === 'not_found') return true
  // Before the first answer, a request that a server cannot read says that the recipe asks for something it does not know.
  return cause === 'bad_request' && answers === 0
}

/** A failure of an endpoint as an error that says what to do. */
export function endpointFailure({ cause, message }: ChatFailure, { name }: Endpoint): CurateError {
  return new CurateError(`endpoint_${cause}`, `${name}: ${message}`, {
    hint: HINTS[cause],
    retryable: RETRYABLE.has(cause),
  })
}

const RETRYABLE: ReadonlySet<FailureCause> = new Set([
  'rate_limited',
  'server_error',
  'unreachable',
  'cut_off',
  'too_slow',
])

const KEPT = 'What was answered is kept: run the same command again.'

const HINTS: Readonly<Record<FailureCause, string>> = {
  rate_limited: `The server lets nothing through. Wait, or lower \`max_concurrent\`. ${KEPT}`,
  server_error: `Look at the log of the server. ${KEPT}`,
  unreachable: `Is the server running, and its address right? ${KEPT}`,
  cut_off: `Something between here and the server ends connections. ${KEPT}`,
  too_slow: `Raise \`stall_s\` or \`timeout_s\`, or lower \`max_concurrent\`. ${KEPT}`,
  no_completion: 'The address must be that of an OpenAI-compatible server and end with /v1.',
  unauthorized: 'Check the environment variable that `key` of the endpoint names.',
  not_found: 'Check `url`, which ends with /v1, and `model` of the endpoint: `GET /v1/models` lists them.',
  bad_request:
    'The server refused the first question: does it know every field of `sampling`? `seed: null` leaves that field out.',
}
