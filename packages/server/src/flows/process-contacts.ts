import { concat, DAY_SECONDS, later, type UnixSeconds } from '@vicinity/protocol'
import { FOREIGN, LOCAL, type PermanentId, refusalOf, SIZE } from '@vicinity/protocol/robert'
import type { Deps } from '../deps.ts'
import type { ExposureRow, QueuedItem } from '../store/store.ts'
import { ALTERED, type Judged } from './judge-contacts.ts'
import { judgeEach, POISONED } from './judge-each.ts'
import { windowIsDue, windowIsOver } from './pool.ts'

/** Items of one transaction. */
const BATCH = 4096

/** The route of an item that another run has claimed since it was read: it is that one's. */
const ELSEWHERE = 254

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

/** So long a missing intake key is waited for: somebody may be able to put it back. */
const PATIENCE = DAY_SECONDS

/** Whether nobody will ever read the items of a window: they came back with a backup, and their key was destroyed on time. */
const isUnreadable = ({ keys, robert }: Deps, window: number, at: UnixSeconds): boolean =>
  windowIsOver(robert.parameters, window, later(at, -PATIENCE)) && !keys.hasIntakeKey(window)

async function applyWindow(deps: Deps, window: number, at: UnixSeconds): Promise<void> {
  if (isUnreadable(deps, window, at)) {
    await dropWindow(deps, window)
    return
  }
  const batches = batchesOf(deps, window)
  const lane = async () => {
    for await (const items of batches) await applyBatch(deps, window, items, at)
  }
  // Who fails ends the batches for the others too; what they have in hand they finish.
  const lanes = await Promise.allSettled(Array.from({ length: LANES }, lane))
  for (const ended of lanes) if (ended.status === 'rejected') throw ended.reason
}

/** Batches that are under way at once: while the store writes one, the crew judges another. */
const LANES = 2

/** All that waits in a window, in the order of row ids; of a back-end that stops the first batch only. */
async function* batchesOf(deps: Deps, window: number): AsyncGenerator<readonly QueuedItem[]> {
  let after: Uint8Array | undefined
  do {
    const items = await deps.store.transaction((tx) => tx.queuedItems(window, BATCH, after))
    if (items.length > 0) yield items
    after = items.length < BATCH ? undefined : items.at(-1)?.rowId
  } while (after !== undefined && !deps.stopping.aborted)
}

async function dropWindow(deps: Deps, window: number): Promise<void> {
  let seen: number
  do {
    seen = await dropBatch(deps, window)
  } while (seen === BATCH && !deps.stopping.aborted)
}

/** D10: what cannot be read is dropped, and counted. */
async function dropBatch(deps: Deps, window: number): Promise<number> {
  const { seen, dropped } = await deps.store.transaction(async (tx) => {
    const items = await tx.queuedItems(window, BATCH)
    const rowIds = items.map(({ rowId }) => rowId)
    return { seen: items.length, dropped: (await tx.claimItems(window, rowIds)).filter(Boolean).length }
  })
  deps.count('item.unreadable', dropped)
  return seen
}

/**
 * Judges first, outside of any transaction, so that requests go on meanwhile; then claims what was judged and applies what it could
 * claim: then all of it is claimed, by this run or by another.
 */
async function applyBatch(deps: Deps, window: number, items: readonly QueuedItem[], at: UnixSeconds): Promise<void> {
  const bodies = items.map(({ body }) => body)
  const late = windowIsOver(deps.robert.parameters, window, later(at, -PATIENCE))
  const judged = await judgeEach(deps, window, bodies, at, late)
  const rowIds = items.map(({ rowId }) => rowId)
  const applied = await deps.store.transaction(async (tx) => {
    const verdicts = ofClaimed(judged, await tx.claimItems(window, rowIds))
    await tx.appendExposures(exposuresOf(verdicts))
    return verdicts
  })
  deps.meter.observe('batch', items.length, 'items')
  countVerdicts(deps, applied)
}

const ofClaimed = (judged: Judged, claimed: readonly boolean[]): Judged => ({
  ...judged,
  routes: judged.routes.map((route, k) => (claimed[k] === true ? route : ELSEWHERE)),
})

/** Step 9: the exposures of a batch by user, in ascending order of id (the order in which rows are locked). */
function exposuresOf({ routes, ids, exposures }: Judged): ExposureRow[] {
  const rows = new Map<PermanentId, Uint8Array[]>()
  for (let k = 0; k < routes.length; k++) {
    if (routes[k] !== LOCAL) continue
    const packed = exposures.subarray(SIZE.exposure * k, SIZE.exposure * (k + 1))
    const row = rows.get(ids[k]!)
    if (row === undefined) rows.set(ids[k]!, [packed])
    else row.push(packed)
  }
  return [...rows].sort(([a], [b]) => a - b).map(([id, packed]) => ({ id, exposures: concat(...packed) }))
}

function countVerdicts(deps: Deps, { routes }: Judged): void {
  for (const route of routes) {
    if (route === LOCAL) deps.count('item.accepted')
    else if (route === FOREIGN) deps.count('item.foreign')
    else if (route === ALTERED) deps.count('store.itemAltered')
    else if (route === POISONED) deps.count('item.poisoned')
    else if (route !== ELSEWHERE) deps.count(`item.refused.${route}.${refusalOf(route)}`)
  }
}
