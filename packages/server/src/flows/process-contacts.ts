import { concat, type UnixSeconds } from '@vicinity/protocol'
import {
  type ContactVerdicts,
  decideContacts,
  FOREIGN,
  idsOf,
  keyTable,
  LOCAL,
  locateContacts,
  type PermanentId,
  refusalOf,
  SIZE,
} from '@vicinity/protocol/robert'
import { type Deps, unlessAltered } from '../deps.ts'
import type { ExposureRow, Transaction } from '../store/store.ts'
import { placeOfWindow, windowIsDue, windowIsOver } from './pool.ts'

/** Items of one transaction. */
const BATCH = 4096

/**
 * Applies the items of every window that is due: ROBERT §6.2. Taking them out of the queue, their effect and step 10's erasure
 * are one transaction, so a crash leaves all or nothing and no item counts twice.
 */
export async function processContacts(deps: Deps, at: UnixSeconds): Promise<void> {
  const { parameters } = deps.robert
  const queued = await deps.store.transaction((tx) => tx.queuedWindows())
  const failures: unknown[] = []
  for (const window of queued.filter((candidate) => windowIsDue(parameters, candidate, at))) {
    // A window that cannot be read must not hold up the others.
    await applyWindow(deps, window, at).catch((error: unknown) => failures.push(error))
  }
  // Step 10, for good: without its key nothing of a window can be read in any copy of the database.
  const left = await deps.store.transaction((tx) => tx.queuedWindows())
  for (const window of deps.keys.intakeWindows()) {
    if (windowIsOver(parameters, window, at) && !left.includes(window)) deps.keys.destroyIntakeKey(window)
  }
  if (failures.length > 0) throw failures[0]
}

async function applyWindow(deps: Deps, window: number, at: UnixSeconds): Promise<void> {
  let claimed: number
  do {
    const batch = await deps.store.transaction((tx) => applyBatch(deps, tx, window, at))
    if (batch.verdicts !== undefined) countVerdicts(deps, batch.verdicts)
    claimed = batch.claimed
  } while (claimed === BATCH)
}

async function applyBatch(
  deps: Deps,
  tx: Transaction,
  window: number,
  at: UnixSeconds,
): Promise<{ readonly claimed: number; readonly verdicts?: ContactVerdicts }> {
  const sealed = await tx.claimItems(window, BATCH)
  if (sealed.length === 0) return { claimed: 0 }
  const intakeKey = deps.keys.knownIntakeKey(window)
  const opened = sealed.flatMap((item) => openItem(deps, intakeKey, window, item))
  // Where nothing opens it is the key that is wrong, not the items: they stay in the queue.
  if (opened.length === 0) throw new Error('no item of a window opens: the key directory is not the one of this store')
  const items = concat(...opened)
  const located = locateContacts(items, deps.robert, at)
  const stored = await tx.authenticationKeysOf(idsOf(located))
  const keys = keyTable(new Map([...stored].flatMap(([id, key]) => openKey(deps, id, key))))
  const verdicts = decideContacts(located, keys, deps.robert, at)
  keys.erase()
  await tx.appendExposures(exposuresOf(verdicts))
  return { claimed: sealed.length, verdicts }
}

/** An item that was altered in the store cannot be judged by anybody: it goes, and is counted. */
const openItem = (deps: Deps, intakeKey: Uint8Array, window: number, sealed: Uint8Array): readonly Uint8Array[] =>
  unlessAltered(deps, 'store.itemAltered', () => deps.keys.open(intakeKey, placeOfWindow(window), sealed))

/** A key that was altered in the store is nobody's, like every other row of its user. */
const openKey = (deps: Deps, id: PermanentId, sealed: Uint8Array): readonly (readonly [PermanentId, Uint8Array])[] =>
  unlessAltered(deps, 'store.userAltered', () => [id, deps.open('authentication', id, sealed)])

/** Step 9: the exposures of a batch by user, in ascending order of id (the order in which rows are locked). */
function exposuresOf({ count, routes, ids, exposures }: ContactVerdicts): ExposureRow[] {
  const rows = new Map<PermanentId, Uint8Array[]>()
  for (let k = 0; k < count; k++) {
    if (routes[k] !== LOCAL) continue
    const packed = exposures.subarray(SIZE.exposure * k, SIZE.exposure * (k + 1))
    const row = rows.get(ids[k]!)
    if (row === undefined) rows.set(ids[k]!, [packed])
    else row.push(packed)
  }
  return [...rows].sort(([a], [b]) => a - b).map(([id, packed]) => ({ id, exposures: concat(...packed) }))
}

function countVerdicts(deps: Deps, verdicts: ContactVerdicts): void {
  for (const route of verdicts.routes) {
    if (route === LOCAL) deps.count('item.accepted')
    else deps.count(route === FOREIGN ? 'item.foreign' : `item.refused.${route}.${refusalOf(route)}`)
  }
}
