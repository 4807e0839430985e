import { later, type RequestOf, type ResponseOf, type UnixSeconds } from '@vicinity/protocol'
import { makeChallenge } from '@vicinity/protocol/robert'
import type { Deps } from '../deps.ts'

/** The proof of work of ROBERT §3.3. Nothing is stored. */
export async function challenge(
  deps: Deps,
  input: RequestOf<'challenge'>,
  at: UnixSeconds,
): Promise<ResponseOf<'challenge'>> {
  const { proofOfWork, challengeLife } = deps.robert.parameters
  const expires = later(at, challengeLife)
  return { challenge: makeChallenge(deps.keys.challengeKey, input.publicKey, proofOfWork, expires, deps.random) }
}
