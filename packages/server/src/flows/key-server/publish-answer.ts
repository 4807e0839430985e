import { ascii } from '@vicinity/protocol'
import { type PublishCode, toBase64 } from '@vicinity/protocol/gaen'
import type { DeployedAnswer } from '../../deployed.ts'
import type { Deps } from '../../deps.ts'

/** What is told to who publishes. */
export interface PublishAnswer {
  readonly status: number
  readonly revisionToken?: string
  readonly insertedExposures?: number
  readonly error?: string
  readonly code?: PublishCode
  readonly warnings?: readonly string[]
}

export const refusal = (status: number, code: PublishCode, error: string, warnings: readonly string[] = []) => ({
  status,
  code,
  error,
  ...(warnings.length > 0 && { warnings }),
})

/**
 * Bytes of every answer, whatever happened: enough for the longest token and thirty warnings. The deployed server draws the length of its
 * padding, 1024 bytes and up to 1023 more, which many answers average out.
 */
export const ANSWER_BYTES = 7168

/** The answer as it is sent. */
export function padded(deps: Deps, { status, ...fields }: PublishAnswer): DeployedAnswer {
  const room = ANSWER_BYTES - JSON.stringify({ ...fields, padding: '' }).length
  const text = JSON.stringify({ ...fields, padding: toBase64(deps.gaenRandom(3 * Math.floor(room / 4))) })
  // Base64 grows by four characters; JSON takes white space behind it.
  const body = ascii(text.padEnd(ANSWER_BYTES, ' '))
  return { status, body, headers: { 'content-type': 'application/json; charset=utf-8' } }
}
