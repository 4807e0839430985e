import { dayOf, dayOfEpoch, epochAt, type UnixSeconds } from '@vicinity/protocol'
import type { Deps } from '../deps.ts'

/** Days that server keys exist beyond the bundle, so that a stopped job is noticed before a phone is. */
const SPARE_DAYS = 2

/** K_S for every day of the bundle and two more; destroyed CT + 1 days after its day (docs/divergences.md, 5). */
export async function keepServerKeys(deps: Deps, at: UnixSeconds): Promise<void> {
  const { contagiousDays, bundleDays } = deps.robert.parameters
  const today = dayOf(at)
  // Where epochs do not start at midnight, the identifiers of the current one may belong to yesterday.
  const from = dayOfEpoch(deps.calendar, epochAt(deps.calendar, at))
  deps.keys.keepServerKeys(today - contagiousDays - 1, today + bundleDays + SPARE_DAYS, from)
}
