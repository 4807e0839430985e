import { later, type Outcome, refused, toHex, type UnixSeconds } from '@vicinity/protocol'
import { fromBase64, type TestType } from '@vicinity/protocol/gaen'
import type { DeployedAnswer, DeployedCall } from '../../deployed.ts'
import type { Deps } from '../../deps.ts'
import { type FoundCode, NO_HASH, NO_TOKEN } from '../../store/verification.ts'
import { answer, refusal } from './answers.ts'
import { dateOf } from './dates.ts'
import { acceptedTypes, decideCode } from './decide-code.ts'
import { readFields } from './fields.ts'
import type { Reason } from './refusals.ts'
import { hashesOf, isGuessable } from './secrets.ts'
import { drawTokenId, hashOfToken, signToken } from './tokens.ts'
import { LIFE, tallied, windowOf } from './windows.ts'

interface VerifyRequest {
  readonly code: string
  readonly accept: ReadonlySet<TestType>
  readonly nonce: Uint8Array
  readonly chaff: boolean
}

/** POST /api/verify: a code becomes a token, once. */
export async function verifyCode(deps: Deps, call: DeployedCall, at: UnixSeconds): Promise<DeployedAnswer> {
  const { text, list } = readFields(call.json, ['code', 'accept', 'nonce'])
  const accept = acceptedTypes(list('accept'))
  if (accept === undefined) return refusal(deps.gaenRandom, 'acceptUnknown')
  const nonce = fromBase64(text('nonce'), 'nonce')
  const id = drawTokenId(deps.gaenRandom)
  const found = await redeem(deps, { code: text('code'), accept, nonce, chaff: false }, id, at)
  deps.count(`verification.${found.ok ? 'claimed' : found.reason}`)
  if (!found.ok) return refusal(deps.gaenRandom, found.reason)
  const { testType, symptomDay, testDay } = found.value
  return answer(deps.gaenRandom, 200, {
    testtype: testType,
    ...(symptomDay === undefined ? {} : { symptomDate: dateOf(symptomDay) }),
    ...(testDay === undefined ? {} : { testDate: dateOf(testDay) }),
    token: signToken(deps, id, found.value, at),
  })
}

/** The same work for a code that does not exist, and an answer of the same size; what was sent is not looked at. */
export async function verifyChaff(deps: Deps, _call: DeployedCall, at: UnixSeconds): Promise<DeployedAnswer> {
  const id = drawTokenId(deps.gaenRandom)
  const code = toHex(deps.gaenRandom(16))
  await redeem(deps, { code, accept: new Set(), nonce: new Uint8Array(0), chaff: true }, id, at)
  signToken(deps, id, { testType: 'confirmed', symptomDay: undefined, testDay: undefined }, at)
  return answer(deps.gaenRandom, 200, {})
}

/** One path for every request: which statements run, and their order, do not depend on what was sent or what is stored. */
async function redeem(
  deps: Deps,
  { code, accept, nonce, chaff }: VerifyRequest,
  id: string,
  at: UnixSeconds,
): Promise<Outcome<FoundCode, Reason>> {
  const { wrongCodes } = deps.settings.gaen.verification
  const codes = hashesOf(deps, 'code', code, at)
  const nonces = hashesOf(deps, 'nonce', nonce, at)
  return await deps.store.transaction(async (tx) => {
    const { wrong } = await tx.tallyOf(windowOf(at))
    const found = await tx.verificationCodeOf(codes)
    const closed = isGuessable(code) && wrong >= wrongCodes
    const decided = decideCode(found, { accept, nonce: nonces, closed }, at)
    // Claiming is what decides between two that come at once.
    const won = await tx.claimVerificationCode(decided.ok ? decided.value.handle : NO_HASH)
    const outcome = decided.ok && !won ? refused('codeInvalid') : decided
    const claimed = outcome.ok ? outcome.value : undefined
    const token = claimed && { hash: hashOfToken(id), expires: later(at, LIFE.token) }
    await tx.keepReport(claimed?.phone ?? NO_HASH, later(at, LIFE.report))
    const { hash, expires } = token ?? NO_TOKEN
    await tx.addVerificationToken(hash, expires)
    const missed = !outcome.ok && !chaff && isGuessable(code) && MISSES.includes(outcome.reason)
    await tx.addToTally(windowOf(at), tallied({ [chaff ? 'chaff' : 'calls']: 1, wrong: missed ? 1 : 0 }))
    return outcome
  })
}

/** What somebody meets who tries codes out. */
const MISSES: readonly Reason[] = ['codeInvalid', 'codeExpired']
