import type { Outcome, UnixSeconds } from '@vicinity/protocol'
import { accepted, refused } from '@vicinity/protocol'
import type { DeployedAnswer, DeployedCall } from '../../deployed.ts'
import type { Deps } from '../../deps.ts'
import type { FoundCode } from '../../store/verification.ts'
import { answer, refusal } from './answers.ts'
import { readFields } from './fields.ts'
import type { Reason } from './refusals.ts'
import { hashesOf } from './secrets.ts'

const handlesOf = (deps: Deps, call: DeployedCall, at: UnixSeconds) => {
  const uuid = readFields(call.json, ['uuid']).text('uuid')
  return hashesOf(deps, 'handle', uuid.trim().toLowerCase(), at)
}

const timesOf = ({ expires, longExpires }: Pick<FoundCode, 'expires' | 'longExpires'>) => ({
  expiresAtTimestamp: expires,
  longExpiresAtTimestamp: longExpires,
})

/** POST /api/checkcodestatus: whether a code was claimed, by the UUID that it was issued with. */
export async function checkCodeStatus(deps: Deps, call: DeployedCall, at: UnixSeconds): Promise<DeployedAnswer> {
  const handles = handlesOf(deps, call, at)
  const found = await deps.store.transaction((tx) => tx.verificationCodeByHandle(handles))
  if (found === undefined) return refusal(deps.gaenRandom, 'codeNotFound')
  return answer(deps.gaenRandom, 200, { claimed: found.claimed, ...timesOf(found) })
}

/** POST /api/expirecode: a code that nobody claimed ends now. */
export async function expireCode(deps: Deps, call: DeployedCall, at: UnixSeconds): Promise<DeployedAnswer> {
  const handles = handlesOf(deps, call, at)
  const ended = await deps.store.transaction(async (tx): Promise<Outcome<ReturnType<typeof timesOf>, Reason>> => {
    const found = await tx.verificationCodeByHandle(handles)
    if (found === undefined) return refused('codeNotFound')
    if (found.expires < at && found.longExpires < at) return accepted(timesOf(found))
    if (!(await tx.expireVerificationCode(found.handle, at))) return refused('codeClaimed')
    return accepted(timesOf({ expires: at, longExpires: at }))
  })
  return ended.ok ? answer(deps.gaenRandom, 200, ended.value) : refusal(deps.gaenRandom, ended.reason)
}
