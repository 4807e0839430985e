import { DAY_SECONDS, Malformed, type RequestOf, type ResponseOf, type UnixSeconds } from '@vicinity/protocol'
import { makeResetToken } from '@vicinity/protocol/robert'
import type { Deps } from '../../deps.ts'

/** A single-use token for a negative test. It names the time of the test and nobody; nothing is stored. */
export async function issueReset(
  deps: Deps,
  input: RequestOf<'issueReset'>,
  at: UnixSeconds,
): Promise<ResponseOf<'issueReset'>> {
  const { contagiousDays } = deps.robert.parameters
  if (input.testedAt > at) throw new Malformed('testedAt', 'not in the future')
  if (at - input.testedAt >= contagiousDays * DAY_SECONDS) {
    throw new Malformed('testedAt', `less than ${contagiousDays} days ago`)
  }
  deps.audit.issued('resets')
  deps.count('reset.issued')
  return { token: makeResetToken(deps.keys.resetKey, input.testedAt, deps.random) }
}
