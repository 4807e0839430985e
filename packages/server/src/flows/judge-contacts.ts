import { concat, type UnixSeconds } from '@vicinity/protocol'
import type { PermanentId } from '@vicinity/protocol/robert'
import { slicesOf } from '../crew/crew.ts'
import { type DecideJob, type LocatedSlice, type LocateJob, rowsOf, type Work, type WorkContext } from '../crew/work.ts'
import type { Deps } from '../deps.ts'
import { SEALED_ITEM, SEALED_KEY } from '../keys/sealed.ts'
import { placeOfWindow } from './pool.ts'

/** The route of an item that was altered in the store: nobody can judge it. */
export const ALTERED = 255

/** The verdicts of a batch, in columns as in `ContactVerdicts`, in the order of its items. */
export interface Judged {
  readonly routes: Uint8Array
  readonly ids: Float64Array
  readonly exposures: Uint8Array
}

/** A key that opens nothing is the wrong one. */
export class NothingOpens extends Error {
  override readonly name = 'NothingOpens'
}

/** The crew could not do its work: because of an item, or because it was ended. */
export class WorkFailed extends Error {
  override readonly name = 'WorkFailed'
}

const work = <Name extends keyof Work>(
  { crew }: Deps,
  name: Name,
  job: Work[Name]['job'],
): Promise<Work[Name]['result']> =>
  crew.run(name, job).catch((cause: unknown) => {
    throw new WorkFailed('the crew could not do its work', { cause })
  })

/**
 * Judges sealed items of a window: ROBERT §6.2 steps 1 to 9. Only reads, and holds no transaction while the crew works. Throws
 * `NothingOpens` when no item opens, `WorkFailed` when a part of the crew failed.
 */
export async function judgeContacts(
  deps: Deps,
  window: number,
  sealed: readonly Uint8Array[],
  at: UnixSeconds,
): Promise<Judged> {
  const { crew } = deps
  const context = contextOf(deps, at)
  const intakeKey = deps.keys.knownIntakeKey(window)
  const located = await Promise.all(
    slicesOf(crew, sealed).map((slice) => work(deps, 'locate', locateJob(deps, context, intakeKey, window, slice))),
  )
  // Where nothing opens it is the key that is wrong, not the items: they stay in the queue.
  if (!located.some(({ opened }) => opened.includes(1))) {
    throw new NothingOpens('no item of a window opens: the key directory is not the one of this store')
  }
  const wanted = [...new Set(located.flatMap(({ ids }) => ids))]
  const stored = await deps.store.transaction((tx) => tx.authenticationKeysOf(wanted))
  const decided = await Promise.all(
    located.map((slice) => work(deps, 'decide', decideJob(deps, context, slice, stored))),
  )
  // A key that was altered in the store is nobody's, like every other row of its user.
  const altered = new Set(decided.flatMap((slice) => slice.altered))
  if (altered.size > 0) deps.count('store.userAltered', altered.size)
  const verdicts = decided.map((slice) => slice.verdicts)
  const opened = concat(...located.map((slice) => slice.opened))
  return {
    routes: concat(...verdicts.map(({ routes }) => routes)).map((route, k) => (opened[k] === 1 ? route : ALTERED)),
    ids: joined(verdicts.map(({ ids }) => ids)),
    exposures: concat(...verdicts.map(({ exposures }) => exposures)),
  }
}

const contextOf = ({ robert, calendar }: Deps, at: UnixSeconds): WorkContext => ({
  at,
  calendar,
  countryCode: robert.countryCode,
  peers: robert.peers,
  parameters: robert.parameters,
  inclusiveTolerance: robert.profile.inclusiveTolerance,
})

const locateJob = (
  { keys }: Deps,
  context: WorkContext,
  intakeKey: Uint8Array,
  window: number,
  sealed: readonly Uint8Array[],
): LocateJob => ({
  ...keys.contactSecrets(intakeKey),
  context,
  place: placeOfWindow(window),
  sealed: rowsOf(SEALED_ITEM, sealed),
})

function decideJob(
  { keys }: Deps,
  context: WorkContext,
  { located, ids }: LocatedSlice,
  stored: ReadonlyMap<PermanentId, Uint8Array>,
): DecideJob {
  const known = ids.filter((id) => stored.has(id))
  return {
    ...keys.userSecrets(),
    context,
    located,
    ids: known,
    sealed: rowsOf(
      SEALED_KEY,
      known.map((id) => stored.get(id)!),
    ),
  }
}

function joined(columns: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(columns.reduce((sum, column) => sum + column.length, 0))
  let from = 0
  for (const column of columns) {
    all.set(column, from)
    from += column.length
  }
  return all
}
