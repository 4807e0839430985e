import { dayOf, epochAt, epochsIn, type UnixSeconds, type UtcDay } from '@vicinity/protocol'
import { withoutExpired } from '@vicinity/protocol/robert'
import type { Deps } from '../deps.ts'
import { NOBODY } from '../store/store.ts'

const PAGE = 5000

/** ROBERT §6.2 footnote 17, at each epoch: exposures of CT and older go. So do spent tokens, challenges and codes that ended. */
export async function purge(deps: Deps, at: UnixSeconds): Promise<void> {
  const { contagiousDays } = deps.robert.parameters
  const now = epochAt(deps.calendar, at)
  const expired = epochsIn(deps.calendar, contagiousDays)
  let after = NOBODY
  let removed = false
  for (;;) {
    const from = after
    const page = await deps.store.transaction(async (tx) => {
      const rows = await tx.exposuresAfter(from, PAGE)
      const changed = rows
        .map((row) => ({ ...row, to: withoutExpired(row.exposures, now, expired) }))
        .filter((row) => row.to !== row.exposures)
      await tx.replaceExposures(changed)
      removed ||= changed.length > 0
      return rows
    })
    const last = page.at(-1)
    if (last === undefined || page.length < PAGE) break
    after = last.id
  }
  await deps.store.transaction(async (tx) => {
    await tx.forgetTokens((dayOf(at) - contagiousDays - 1) as UtcDay)
    await tx.forgetChallenges(at)
    await tx.forgetCodes(at)
    await tx.noteTime(at)
  })
  if (removed) await deps.store.shred()
}
