// Exports as whoever compares them sees them: what a region published of a window, first or revised, and which keys were in it.
import type { UnixSeconds } from '../time.ts'
import { GAEN_SIZE, INTERVAL_SECONDS, ROLLING_PERIOD } from './constants.ts'
import type { DiagnosisKeys } from './diagnosis-key.ts'
import type { ExportFile } from './export-file.ts'
import type { KeyList } from './export-reader.ts'

/** A file and what to call it in findings. */
export interface NamedExport {
  readonly name: string
  readonly file: ExportFile
}

/** Keys are compared as text of 16 characters, one a byte. */
export type KeyText = string

/** One list of one window: of one file, or of the files that a window was split into. */
export interface PublishedList {
  readonly names: readonly string[]
  readonly region: string
  readonly list: KeyList
  readonly start: UnixSeconds
  /** Exclusive. */
  readonly end: UnixSeconds
  /** The lists of the files, as they are ordered there. */
  readonly parts: readonly DiagnosisKeys[]
  /** In the order of `parts`. */
  readonly keys: readonly KeyText[]
  /** What each key says besides its bytes; equal texts say the same. */
  readonly kinds: readonly string[]
}

const { temporaryExposureKey: KEY } = GAEN_SIZE
const DAY_INTERVALS = ROLLING_PERIOD

export const keyText = (keys: DiagnosisKeys, k: number): KeyText =>
  String.fromCharCode(...keys.keyData.subarray(KEY * k, KEY * (k + 1)))

/** Day and interval of the start count from the day of the window, so that kinds of different days can be compared. */
function kindOf(keys: DiagnosisKeys, k: number, windowStart: UnixSeconds): string {
  const windowDay = Math.floor(windowStart / INTERVAL_SECONDS / DAY_INTERVALS)
  const age = windowDay * DAY_INTERVALS - keys.starts[k]!
  return [age, keys.periods[k], keys.transmissionRisks[k], keys.reportTypes[k], keys.daysSinceOnset[k]].join(' ')
}

/** A split window has one start, and ends that are a second apart: phones tell files by their times. */
const belongs = (one: NamedExport, next: NamedExport): boolean =>
  one.file.header.region === next.file.header.region &&
  one.file.header.startTimestamp === next.file.header.startTimestamp &&
  (next.file.header.endTimestamp - one.file.header.endTimestamp === 1 ||
    (one.file.header.batchSize > 1 && next.file.header.endTimestamp === one.file.header.endTimestamp))

const byWindow = ({ file: { header: a } }: NamedExport, { file: { header: b } }: NamedExport): number =>
  Number(a.region > b.region) - Number(a.region < b.region) ||
  a.startTimestamp - b.startTimestamp ||
  a.endTimestamp - b.endTimestamp ||
  a.batchNumber - b.batchNumber

/** Both lists of every window, by region and time. */
export function publishedLists(files: readonly NamedExport[]): PublishedList[] {
  const windows: NamedExport[][] = []
  for (const file of [...files].sort(byWindow)) {
    const last = windows.at(-1)
    if (last !== undefined && belongs(last.at(-1)!, file)) last.push(file)
    else windows.push([file])
  }
  return windows.flatMap((window) => [listOf(window, 'keys'), listOf(window, 'revisedKeys')])
}

function listOf(window: readonly NamedExport[], list: KeyList): PublishedList {
  const { region, startTimestamp: start, endTimestamp: end } = window[0]!.file.header
  const parts = window.map(({ file }) => file[list])
  const texts = new Map<string, string>()
  const shared = (text: string): string => texts.get(text) ?? texts.set(text, text).get(text)!
  const all = <T>(of: (keys: DiagnosisKeys, k: number) => T): T[] =>
    parts.flatMap((keys) => Array.from({ length: keys.count }, (_, k) => of(keys, k)))
  return {
    names: window.map(({ name }) => name),
    region,
    list,
    start,
    // A window that says no times is one all the same.
    end: Math.max(end, start + 1) as UnixSeconds,
    parts,
    keys: all(keyText),
    kinds: all((keys, k) => shared(kindOf(keys, k, start))),
  }
}

/** How often each occurs. */
export function countsOf(texts: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>()
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1)
  return counts
}
