// Which window is exported next, and what is invented for it.
import { DAY_SECONDS, drawBelow, type Random, type UnixSeconds } from '@vicinity/protocol'
import { EXPORT_DAYS } from '@vicinity/protocol/gaen'
import type { Deps } from '../../deps.ts'
import { type ExportWindow, NOT_LISTED, type StoredKey } from '../../store/key-server.ts'
import type { Transaction } from '../../store/store.ts'
import { inventedNames, inventKeys, kindsAbove, paddingRandom, realAmong, type Span } from './padding.ts'
import { inventRevisions, type ReleasedWindow } from './padding-revisions.ts'

const HOUR = 3600
/** Keys of so many days are revised by decoys, as most real revisions follow within days. */
const DECOY_SECONDS = 5 * DAY_SECONDS
const MOST_DECOY_WINDOWS = 3

/**
 * The window to export now: one that was begun, or the next that is due, with what is invented for it. Undefined when there is none.
 * Whatever arrives later belongs to a later window, so making it again gives the same files.
 */
export function openWindow(deps: Deps, at: UnixSeconds): Promise<ExportWindow | undefined> {
  return deps.store.transaction(async (tx) => {
    const windows = await tx.exportWindows()
    const begun = windows.find(({ listed }) => listed === NOT_LISTED)
    if (begun !== undefined) return begun
    const span = await nextSpan(deps, tx, windows.at(-1), at)
    return span === undefined ? undefined : await beginWindow(deps, tx, windows, span)
  })
}

/** Windows follow each other without a gap, end with multiples of their length, and are old enough that nothing for them is on its way. */
async function nextSpan(
  deps: Deps,
  tx: Transaction,
  last: ExportWindow | undefined,
  at: UnixSeconds,
): Promise<Span | undefined> {
  const { window: length, windowAge } = deps.settings.gaen.keyServer.exports
  const floor = (time: number) => Math.floor(time / length) * length
  const due = Math.floor((at - windowAge) / HOUR) * HOUR
  const oldest = Math.min((await tx.oldestRelease()) ?? due, floor(due) - length)
  const starts = Math.max(last?.ends ?? floor(oldest), floor(at - EXPORT_DAYS * DAY_SECONDS))
  const ends = floor(starts) + length
  return ends > due ? undefined : { starts: starts as UnixSeconds, ends: ends as UnixSeconds }
}

async function beginWindow(
  deps: Deps,
  tx: Transaction,
  windows: readonly ExportWindow[],
  span: Span,
): Promise<ExportWindow> {
  const { padding, signers } = deps.settings.gaen.keyServer.exports
  const paddingKey = deps.gaenKeys.paddingKey()
  const published = realAmong(await tx.keysReleased(span.starts, span.ends), new Set())
  const kinds = published.map(({ key }) => key)
  const invented = padding === undefined ? [] : inventKeys(paddingKey, padding, span, kinds)
  if (padding !== undefined) deps.count('padding.aboveLevel', kindsAbove(padding, kinds))
  await tx.addDiagnosisKeys(invented)
  const window = {
    ...span,
    invented: invented.length,
    signers: signers.filter(({ from, until }) => from <= span.ends && span.ends < until).map(({ version }) => version),
    listed: NOT_LISTED,
  }
  if (window.signers.length === 0) throw new Error('no key signs the exports of this time: name one in the settings')
  await tx.addExportWindow(window)
  if (padding === undefined) return window
  const revised = realAmong(await tx.keysRevised(span.starts, span.ends), new Set())
  const recent = [...windows, window].filter(({ ends }) => ends > span.starts - DECOY_SECONDS)
  const drawn = drawnWindows(paddingRandom(paddingKey, 'windows', span), recent)
  const relevant = [...windows, window].filter((each) => drawn.has(each) || revised.some((row) => isWithin(row, each)))
  const released = await Promise.all(relevant.map((each) => releasedIn(tx, paddingKey, each)))
  await tx.reviseDiagnosisKeys(inventRevisions(paddingKey, span, released, revised))
  return window
}

/** A few windows have enough keys to revise, and reading all of them would take the longest of everything. */
const drawnWindows = (random: Random, windows: readonly ExportWindow[]): ReadonlySet<ExportWindow> =>
  new Set(Array.from({ length: MOST_DECOY_WINDOWS }, () => windows[drawBelow(random, windows.length)]!))

const isWithin = ({ release }: StoredKey, { starts, ends }: Span): boolean => release >= starts && release < ends

const releasedIn = async (tx: Transaction, paddingKey: Uint8Array, window: ExportWindow): Promise<ReleasedWindow> => ({
  ...window,
  rows: await tx.keysReleased(window.starts, window.ends),
  invented: inventedNames(paddingKey, window.starts, window.invented),
})
