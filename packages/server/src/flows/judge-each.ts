// Poison: an item at which the work throws must not hold up its window for ever (F12).
import { concat, type UnixSeconds } from '@vicinity/protocol'
import { SIZE } from '@vicinity/protocol/robert'
import type { Deps } from '../deps.ts'
import { ALTERED, type Judged, judgeContacts, NothingOpens, WorkFailed } from './judge-contacts.ts'

/** The route of an item at which the work throws also when it is alone: it is set aside. */
export const POISONED = 253

/** A thread may end for reasons of its own. */
const TRIES = 5

/** Where so many in a row throw and none is judged it is not the items. */
const SUSPICIOUS = 8

/**
 * As `judgeContacts`; where the work throws, it judges halves, and halves of halves, until what throws is alone. Throws with what the
 * work threw where nothing could be judged at all: unless `late`, when nothing is waited for any more.
 */
export async function judgeEach(
  deps: Deps,
  window: number,
  sealed: readonly Uint8Array[],
  at: UnixSeconds,
  late: boolean,
): Promise<Judged> {
  let judged = 0
  let poisoned = 0
  const judge = async (part: readonly Uint8Array[], tries = 1): Promise<Judged> => {
    try {
      const verdicts = await judgeContacts(deps, window, part, at)
      judged += part.length
      return verdicts
    } catch (error) {
      // Of a part of a batch that is no sign of a wrong key.
      if (error instanceof NothingOpens && part.length < sealed.length) return all(part.length, ALTERED)
      if (!(error instanceof WorkFailed) || deps.stopping.aborted) throw error
      if (part.length > 1) {
        const middle = Math.ceil(part.length / 2)
        return together(await judge(part.slice(0, middle)), await judge(part.slice(middle)))
      }
      if (tries < TRIES) return judge(part, tries + 1)
      poisoned++
      if (judged === 0 && (poisoned === SUSPICIOUS || (poisoned === sealed.length && !late))) throw error
      return all(1, POISONED)
    }
  }
  return judge(sealed)
}

const all = (count: number, route: number): Judged => ({
  routes: new Uint8Array(count).fill(route),
  ids: new Float64Array(count),
  exposures: new Uint8Array(SIZE.exposure * count),
})

const together = (a: Judged, b: Judged): Judged => ({
  routes: concat(a.routes, b.routes),
  ids: Float64Array.from([...a.ids, ...b.ids]),
  exposures: concat(a.exposures, b.exposures),
})
