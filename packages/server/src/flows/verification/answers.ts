import { ascii, type Random } from '@vicinity/protocol'
import { toBase64 } from '@vicinity/protocol/gaen'
import type { DeployedAnswer } from '../../deployed.ts'
import { REFUSALS, type Reason } from './refusals.ts'

/** Bodies have this many bytes, or a multiple where more has to be said: their sizes tell nothing apart. */
export const ANSWER_BYTES = 3072
/** No answer has fewer random bytes of padding than the deployed server puts into its own. */
const LEAST_PADDING = 1024

/** JSON with `padding`, random bytes that bring it to its size. What base64 cannot fill to the byte, spaces at the end do. */
export function answer(random: Random, status: number, body: object): DeployedAnswer {
  const bare = JSON.stringify({ ...body, padding: '' })
  const wanted = ascii(bare).length + (4 * LEAST_PADDING) / 3
  const size = ANSWER_BYTES * Math.ceil(wanted / ANSWER_BYTES)
  const room = size - ascii(bare).length
  const padding = toBase64(random(3 * Math.floor(room / 4)))
  const text = JSON.stringify({ ...body, padding })
  return {
    status,
    body: ascii(text + ' '.repeat(size - ascii(text).length)),
    headers: { 'content-type': 'application/json' },
  }
}

/** The error object of the deployed server; older apps read `error_code`. */
export function refusal(random: Random, reason: Reason, error?: string): DeployedAnswer {
  const refused = REFUSALS[reason]
  const { errorCode } = refused
  return answer(random, refused.status, { error: error ?? refused.error, errorCode, error_code: errorCode })
}
