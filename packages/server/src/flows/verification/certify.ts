import { later, type UnixSeconds } from '@vicinity/protocol'
import { ecdsaVerify } from '@vicinity/protocol/crypto'
import { buildCertificate, fromBase64, type IntervalNumber, parseJwt, ROLLING_PERIOD } from '@vicinity/protocol/gaen'
import type { DeployedAnswer, DeployedCall } from '../../deployed.ts'
import type { Deps } from '../../deps.ts'
import { NO_HASH } from '../../store/verification.ts'
import { answer, refusal } from './answers.ts'
import { type Fields, readFields } from './fields.ts'
import { hashOfToken, readToken, type Subject } from './tokens.ts'
import { LIFE, tallied, windowOf } from './windows.ts'

const MAC_BYTES = 32

/** POST /api/certificate: a token becomes a certificate for the keys that a MAC names, once. */
export async function certify(deps: Deps, call: DeployedCall, at: UnixSeconds): Promise<DeployedAnswer> {
  const fields = readFields(call.json, ['token', 'ekeyhmac'])
  const token = readToken(deps, fields.text('token'), at)
  if (!token.ok) return refusal(deps.gaenRandom, token.reason)
  const mac = macOf(fields)
  if (mac?.length !== MAC_BYTES) return refusal(deps.gaenRandom, 'macInvalid')
  // Before the token is spent, so that a server that cannot sign costs nobody a token.
  const certificate = sign(deps, token.value.subject, mac, at)
  const spent = await spend(deps, hashOfToken(token.value.id), false, at)
  deps.count(`verification.${spent ? 'certified' : 'tokenUsed'}`)
  return spent ? answer(deps.gaenRandom, 200, { certificate }) : refusal(deps.gaenRandom, 'tokenUsed')
}

/** The same work for a token that does not exist: a signature made and one checked, and the same statements. */
export async function certifyChaff(deps: Deps, _call: DeployedCall, at: UnixSeconds): Promise<DeployedAnswer> {
  const subject: Subject = { testType: 'confirmed', symptomDay: undefined, testDay: undefined }
  const certificate = sign(deps, subject, deps.gaenRandom(MAC_BYTES), at)
  const { signed, signature } = parseJwt(certificate)!
  ecdsaVerify(deps.rotatingKeys.current('certificate', at).point, signed, signature)
  await spend(deps, NO_HASH, true, at)
  return answer(deps.gaenRandom, 200, {})
}

function macOf({ text }: Fields<'ekeyhmac' | 'token'>): Uint8Array | undefined {
  const spelled = text('ekeyhmac')
  try {
    return fromBase64(spelled, 'ekeyhmac')
  } catch {
    return undefined
  }
}

function sign(deps: Deps, { testType, symptomDay }: Subject, tekmac: Uint8Array, at: UnixSeconds): string {
  const { issuer, audience } = deps.settings.gaen.verification
  const { secret, kid } = deps.rotatingKeys.current('certificate', at)
  const symptomOnset = symptomDay === undefined ? undefined : ((symptomDay * ROLLING_PERIOD) as IntervalNumber)
  const issued = later(at, -LIFE.clockSkew)
  const expires = later(at, LIFE.certificate)
  return buildCertificate({ issuer, audience, testType, symptomOnset, tekmac, issued, expires }, secret, kid)
}

const spend = (deps: Deps, hash: Uint8Array, chaff: boolean, at: UnixSeconds): Promise<boolean> =>
  deps.store.transaction(async (tx) => {
    const spent = await tx.spendVerificationToken(hash, at)
    await tx.addToTally(windowOf(at), tallied({ [chaff ? 'chaff' : 'calls']: 1 }))
    return spent
  })
