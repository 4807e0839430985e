import type { UnixSeconds } from '@vicinity/protocol'
import type { DeployedAnswer, DeployedCall } from '../../deployed.ts'
import type { Deps } from '../../deps.ts'
import { answer, refusal } from './answers.ts'
import { readFields } from './fields.ts'
import { describe, issueCode, readIssueRequest } from './issue-code.ts'
import { REFUSALS } from './refusals.ts'

const MOST = 10

/** What an empty answer of the deployed server holds. */
const NO_CODE = { padding: '', uuid: '', code: '', expiresAt: '', expiresAtTimestamp: 0 }

/** POST /api/batch-issue: each code for itself, so some may be issued and others not. The first that fails gives the status. */
export async function batchIssue(deps: Deps, call: DeployedCall, at: UnixSeconds): Promise<DeployedAnswer> {
  const listed = readFields(call.json, ['codes']).list('codes')
  if (listed.length > MOST) return refusal(deps.gaenRandom, 'batchTooLarge')
  const requests = listed.map((json, k) => readIssueRequest(json, `codes[${k}]`))
  const codes: object[] = []
  const failures: { readonly status: number; readonly errorCode: string }[] = []
  for (const request of requests) {
    const issued = await issueCode(deps, request, at)
    if (issued.ok) {
      codes.push({ ...describe(issued.value), padding: '' })
      continue
    }
    const { status, errorCode, error } = REFUSALS[issued.reason]
    failures.push({ status, errorCode })
    codes.push({ ...NO_CODE, error, errorCode })
  }
  const [first] = failures
  if (first === undefined) return answer(deps.gaenRandom, 200, { codes })
  const error = `Failed to issue ${failures.length} of ${codes.length} codes. See each error in the codes array.`
  return answer(deps.gaenRandom, first.status, { codes, error, errorCode: first.errorCode })
}
