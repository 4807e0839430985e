import type { UnixSeconds } from '@vicinity/protocol'
import type { Deps } from '../deps.ts'

const PAGE = 512

/**
 * Who left lies outside the database before he is answered; a crash in between leaves his mark in the database alone. So what is left
 * there is recorded again, then forgotten there.
 */
export async function keepDepartures(deps: Deps, at: UnixSeconds): Promise<void> {
  await deps.store.transaction((tx) => tx.noteTime(at))
  await deps.tombstones.keep(at)
  for (;;) {
    const marks = await deps.store.transaction((tx) => tx.departures(PAGE))
    if (marks.length > 0) {
      await deps.tombstones.record(marks)
      await deps.store.transaction((tx) => tx.forgetDepartures(marks))
    }
    if (marks.length < PAGE) return
  }
}
