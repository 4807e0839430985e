// Revisions of invented keys. Whoever sees a key change must not know that it is real, so each real revision has an invented one beside it
// with the same past, and some invented ones have no real one beside them.
import { drawBelow, type Random, toHex } from '@vicinity/protocol'
import {
  backfilledRisk,
  MOST_DAYS_SINCE_ONSET,
  RETENTION_DAYS,
  type Revision,
  ROLLING_PERIOD,
  transitionsFrom,
} from '@vicinity/protocol/gaen'
import { HERE, type KeyRevision, type StoredKey } from '../../store/key-server.ts'
import { drawHour, nameOfKind, paddingRandom, type Span } from './padding.ts'

/** The keys that were published here or invented for one window. */
export interface ReleasedWindow extends Span {
  readonly rows: readonly StoredKey[]
  readonly invented: ReadonlySet<string>
}

/** So many revisions are invented for a window, at least, and up to twice as many: nobody hides among fewer. */
const LEAST_REVISIONS = 60
/** A young service has not enough keys to revise. */
const MOST_DECOYS = 40
/** A decoy comes in twos, as a real revision and the one beside it do. */
const TOGETHER = 2

/** Invented keys of one kind of one window that were not revised, and how many real ones of the kind may still be. */
interface Stock {
  readonly free: StoredKey[]
  unrevised: number
}

/**
 * What is revised beside `revised`, the real keys that were revised within `span`. `windows` are those that keys are still revised of,
 * with the one that is being made. Keeps one invented key for each real one that may be revised later.
 */
export function inventRevisions(
  paddingKey: Uint8Array,
  span: Span,
  windows: readonly ReleasedWindow[],
  revised: readonly StoredKey[],
): readonly KeyRevision[] {
  const random = paddingRandom(paddingKey, 'revisions', span)
  const stocks = new Map(windows.map((window) => [window, stocksOf(window)]))
  const revisions: KeyRevision[] = []
  const revise = ({ key, release }: StoredKey, revision: Revision) =>
    revisions.push({ keyData: key.keyData, revision, revisedAt: drawHour(random, span, release), source: HERE })
  for (const { key, release, revision } of revised) {
    const window = windows.find(({ starts, ends }) => release >= starts && release < ends)
    const mate = window === undefined ? undefined : stocks.get(window)!.get(nameOfKind(key))?.free.pop()
    if (mate !== undefined) revise(mate, revision!)
  }
  const wanted = revisions.length + LEAST_REVISIONS + drawBelow(random, LEAST_REVISIONS)
  for (let decoy = 0; decoy < MOST_DECOYS && revisions.length < wanted; decoy++) {
    const window = windows[drawBelow(random, windows.length)]!
    for (const [row, revision] of decoyRevision(random, window, stocks.get(window)!)) revise(row, revision)
  }
  return revisions
}

function stocksOf({ rows, invented }: ReleasedWindow): Map<string, Stock> {
  const stocks = new Map<string, Stock>()
  for (const row of rows) {
    if (row.revision !== undefined || row.source !== HERE) continue
    const name = nameOfKind(row.key)
    const stock = stocks.get(name) ?? { free: [], unrevised: 0 }
    if (invented.has(toHex(row.key.keyData))) stock.free.push(row)
    else stock.unrevised++
    stocks.set(name, stock)
  }
  return stocks
}

/** All keys of one onset and report in a window, as one person has them, get the same new report. */
function decoyRevision(
  random: Random,
  { rows }: ReleasedWindow,
  stocks: ReadonlyMap<string, Stock>,
): readonly (readonly [StoredKey, Revision])[] {
  const revisable = rows.filter(({ key, source }) => source === HERE && transitionsFrom(key.reportType).length > 0)
  if (revisable.length === 0) return []
  const { key: chosen } = revisable[drawBelow(random, revisable.length)]!
  const transitions = transitionsFrom(chosen.reportType)
  const reportType = transitions[drawBelow(random, transitions.length)]!
  // Most say the same onset again; the rest leave it to the server, which counts from the day of the second publish.
  const moved = drawBelow(random, 2) * drawBelow(random, 5)
  const run = drawBelow(random, 10) < 6 ? RETENTION_DAYS + 1 : 1 + drawBelow(random, RETENTION_DAYS)
  const kinds = new Map(
    revisable.filter(({ key }) => isOfOnePerson(key, chosen)).map(({ key }) => [nameOfKind(key), key]),
  )
  const newestFirst = [...kinds].sort(([, a], [, b]) => b.rollingStart - a.rollingStart).slice(0, run)
  return newestFirst.flatMap(([name, kind]) => {
    const stock = stocks.get(name)
    const daysSinceOnset = (kind.daysSinceOnset ?? 0) - moved
    const isTooFew = stock === undefined || stock.free.length - stock.unrevised < TOGETHER
    if (isTooFew || Math.abs(daysSinceOnset) > MOST_DAYS_SINCE_ONSET) return []
    const revision = { reportType, transmissionRisk: backfilledRisk(reportType, 0), daysSinceOnset }
    return stock.free.splice(-TOGETHER).map((row) => [row, revision] as const)
  })
}

const onsetOf = ({ rollingStart, daysSinceOnset = 0 }: StoredKey['key']): number =>
  Math.floor(rollingStart / ROLLING_PERIOD) - daysSinceOnset

const isOfOnePerson = (a: StoredKey['key'], b: StoredKey['key']): boolean =>
  a.reportType === b.reportType && onsetOf(a) === onsetOf(b) && a.transmissionRisk === b.transmissionRisk
