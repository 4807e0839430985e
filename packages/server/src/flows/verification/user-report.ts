import { later, type UnixSeconds } from '@vicinity/protocol'
import { fromBase64 } from '@vicinity/protocol/gaen'
import type { DeployedAnswer, DeployedCall } from '../../deployed.ts'
import type { Deps } from '../../deps.ts'
import { answer, refusal } from './answers.ts'
import { readFields } from './fields.ts'
import { expiryOf, issueCode } from './issue-code.ts'
import { LIFE, tallied, windowOf } from './windows.ts'

const NONCE_BYTES = 256

/** POST /api/user-report: somebody reports without the authority. The code goes to the phone number and nowhere else. */
export async function userReport(deps: Deps, call: DeployedCall, at: UnixSeconds): Promise<DeployedAnswer> {
  const fields = readFields(call.json, ['symptomDate', 'testDate', 'tzOffset', 'phone', 'nonce'])
  const { text, number } = fields
  if (!deps.settings.gaen.verification.testTypes.includes('user-report'))
    return refusal(deps.gaenRandom, 'testTypeClosed')
  const nonce = fromBase64(text('nonce'), 'nonce')
  if (nonce.length !== NONCE_BYTES) return refusal(deps.gaenRandom, 'nonceMissing')
  const phone = text('phone').replaceAll(/[\s().-]/g, '')
  if (phone === '') return refusal(deps.gaenRandom, 'phoneMissing')
  const request = {
    symptomDate: text('symptomDate'),
    testDate: text('testDate'),
    testType: 'user-report',
    tzOffset: number('tzOffset'),
    phone,
    uuid: '',
    onlyGenerate: false,
    nonce,
  }
  const issued = await issueCode(deps, request, at)
  // A number that reported before gets no second message and is not told so.
  if (!issued.ok && issued.reason !== 'reportedBefore') return refusal(deps.gaenRandom, issued.reason)
  return answer(deps.gaenRandom, 200, expiryOf(later(at, LIFE.shortCode)))
}

/** An answer of the same size. The message that it does not send is what takes time in the other. */
export async function userReportChaff(deps: Deps, _call: DeployedCall, at: UnixSeconds): Promise<DeployedAnswer> {
  await deps.store.transaction((tx) => tx.addToTally(windowOf(at), tallied({ chaff: 1 })))
  return answer(deps.gaenRandom, 200, {})
}
