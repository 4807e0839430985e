// Which keys of a set of exports are real and which were invented, as far as anybody can tell who has only the files.
import { type KeyText, type NamedExport, type PublishedList, publishedLists } from './padding-exports.ts'
import { copiedKeys, followsSchedule, lastOfTheirKind, looksCopied, strangers, unpaddedKeys } from './padding-kinds.ts'
import { orderTells } from './padding-order.ts'
import { vanishedKeys } from './padding-presence.ts'

/**
 * - `vanished`: in an export, and not in another whose window holds every time that it can have arrived at. Invented.
 * - `lastOfItsKind`: all keys that say the same were invented as copies; it is what they are copies of. Real.
 * - `unpadded`: in a list too small to be padded. Real.
 * - `stranger`: with a period, risk and report that no padding makes. Real.
 * - `copied`: counts are multiples, so the number of real keys can be read. Tells no single key.
 * - `emptyWindow`: some windows have no keys, so the others have real ones. Tells no single key.
 * - `order`: keys do not stand in the order of their bytes, and it shows which belong together. Tells no single key.
 */
export type PaddingRule = 'vanished' | 'lastOfItsKind' | 'unpadded' | 'stranger' | 'copied' | 'emptyWindow' | 'order'

export interface PaddingFinding {
  readonly rule: PaddingRule
  readonly region: string
  readonly list: PublishedList['list']
  /** Names of the files that it is about. */
  readonly files: readonly string[]
  /** Keys that it tells; a key may be told by several findings. */
  readonly real: number
  readonly invented: number
  /** `vanished`: keys of these files that it does not tell; the real ones are among them. `copied`: how many real keys there are. */
  readonly narrowed: number | undefined
}

export interface PaddingAnalysis {
  readonly files: number
  /** Different ones. */
  readonly keys: number
  /** Those that some finding tells. A key that one finding calls invented is not real for another. */
  readonly real: ReadonlySet<KeyText>
  readonly invented: ReadonlySet<KeyText>
  readonly findings: readonly PaddingFinding[]
}

/**
 * Compares all files with each other. Assumes that the files of a region were selected alike, and that they are whole; that files are
 * missing does no harm.
 */
export function analysePadding(files: readonly NamedExport[]): PaddingAnalysis {
  const lists = publishedLists(files)
  const told = { real: new Set<KeyText>(), invented: new Set<KeyText>() }
  const findings = [...groups(lists).values()].flatMap((group) => findingsOf(group, told))
  for (const key of told.invented) told.real.delete(key)
  return { files: files.length, keys: new Set(lists.flatMap(({ keys }) => keys)).size, ...told, findings }
}

function groups(lists: readonly PublishedList[]): Map<string, PublishedList[]> {
  const found = new Map<string, PublishedList[]>()
  for (const list of lists) {
    const name = `${list.list} ${list.region}`
    found.set(name, [...(found.get(name) ?? []), list])
  }
  return found
}

interface Told {
  readonly real: Set<KeyText>
  readonly invented: Set<KeyText>
}

type Note = (
  rule: PaddingRule,
  about: readonly PublishedList[],
  real: Iterable<KeyText>,
  invented?: Iterable<KeyText>,
  narrowed?: number,
) => void

/** What one region's lists of one kind tell. */
function findingsOf(lists: readonly PublishedList[], told: Told): PaddingFinding[] {
  const { region, list } = lists[0]!
  const findings: PaddingFinding[] = []
  const note: Note = (rule, about, real, invented = [], narrowed = undefined) => {
    const [reals, inventions] = [new Set(real), new Set(invented)]
    for (const key of reals) told.real.add(key)
    for (const key of inventions) told.invented.add(key)
    const names = about.flatMap((each) => each.names)
    findings.push({ rule, region, list, files: names, real: reals.size, invented: inventions.size, narrowed })
  }
  const vanished = vanishedKeys(lists)
  const isTold = (key: KeyText): boolean => vanished.has(key)
  const holed = lists.filter(({ keys }) => keys.some(isTold))
  if (vanished.size > 0) {
    const left = new Set(holed.flatMap(({ keys }) => keys.filter((key) => !isTold(key))))
    note('vanished', holed, [], vanished, left.size)
    const last = holed.filter((each) => looksCopied(each, vanished)).flatMap((each) => lastOfTheirKind(each, vanished))
    if (last.length > 0) note('lastOfItsKind', holed, last)
  }
  const filled = lists.filter(({ keys }) => keys.length > 0)
  if (filled.length > 0 && filled.length < lists.length) note('emptyWindow', filled, [])
  const unpadded = unpaddedKeys(filled).filter((key) => !isTold(key))
  if (unpadded.length > 0) note('unpadded', filled, unpadded)
  else noteKinds(filled, vanished, note)
  const ordered = filled.filter(orderTells)
  if (ordered.length > 0) note('order', ordered, [])
  return findings
}

/** Findings from what keys say, in lists that are padded. */
function noteKinds(lists: readonly PublishedList[], vanished: ReadonlySet<KeyText>, note: Note): void {
  const strange = new Set(strangers(lists))
  if (strange.size > 0) {
    const about = lists.filter(({ keys }) => keys.some((key) => strange.has(key)))
    note('stranger', about, strange)
  }
  // By window: an export that is made again has copies of what an earlier one invented, so the fewest count.
  const windows = new Map<string, { readonly list: PublishedList; readonly real: number }>()
  for (const list of lists) {
    if (followsSchedule(list, lists) !== false && !looksCopied(list, vanished)) continue
    const real = copiedKeys(list)
    const window = `${list.start} ${list.end}`
    if (real < (windows.get(window)?.real ?? Number.POSITIVE_INFINITY)) windows.set(window, { list, real })
  }
  const copied = [...windows.values()]
  if (copied.length === 0) return
  const about = copied.map(({ list }) => list)
  const real = copied.reduce((sum, window) => sum + window.real, 0)
  note('copied', about, [], [], real)
}
