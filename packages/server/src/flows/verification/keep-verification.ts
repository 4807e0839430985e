import { later, type UnixSeconds } from '@vicinity/protocol'
import type { Deps } from '../../deps.ts'
import { LIFE, windowOf } from './windows.ts'

/** By the hour: keys of the coming day are made, old ones destroyed, and what ended long enough ago is forgotten. */
export async function keepVerification(deps: Deps, at: UnixSeconds): Promise<void> {
  deps.rotatingKeys.rotate(at)
  await deps.store.transaction(async (tx) => {
    await tx.forgetVerificationCodes(later(at, -LIFE.endedCode), later(at, -LIFE.codeStatus))
    await tx.forgetVerificationTokens(later(at, -LIFE.endedToken))
    await tx.forgetReports(at)
    await tx.forgetTallies(windowOf(later(at, -LIFE.tally)))
  })
}
