// What can be read from how often keys say the same: padding that copies the real keys multiplies them, padding that does not know a
// kind of key leaves it alone.
import { countsOf, type KeyText, type PublishedList } from './padding-exports.ts'

/** Lists below this are not padded: nobody hides among fewer. Deployed servers begin at 140. */
export const LEAST_CROWD = 50

/** Keys of lists that are not padded, since one of them, not empty, is as small as no padded list is. */
export function unpaddedKeys(lists: readonly PublishedList[]): KeyText[] {
  const sizes = lists.map(({ keys }) => keys.length).filter((size) => size > 0)
  return Math.min(...sizes) < LEAST_CROWD ? lists.flatMap(({ keys }) => keys) : []
}

const kindsWhere = (list: PublishedList, holds: (key: KeyText) => boolean): string[] =>
  list.kinds.filter((_, k) => holds(list.keys[k]!))

/** Whether the invented keys of a list, if there are any, all say what others say as well: as copies of real keys do. */
export function looksCopied(list: PublishedList, invented: ReadonlySet<KeyText>): boolean {
  const left = new Set(kindsWhere(list, (key) => !invented.has(key)))
  const gone = kindsWhere(list, (key) => invented.has(key))
  return gone.length > 0 && gone.every((kind) => left.has(kind))
}

/**
 * Padding that copies makes copies of real keys only, so one of every kind is real. Where all but one of a kind were invented, that one
 * is. `list` is one that looks copied.
 */
export function lastOfTheirKind(list: PublishedList, invented: ReadonlySet<KeyText>): KeyText[] {
  const left = countsOf(kindsWhere(list, (key) => !invented.has(key)))
  const gone = new Set(kindsWhere(list, (key) => invented.has(key)))
  return list.keys.filter((key, k) => {
    const kind = list.kinds[k]!
    return gone.has(kind) && left.get(kind) === 1 && !invented.has(key)
  })
}

/** Of a crowd every kind has so many, save those that padding does not know. */
const COMMON_KIND = 20
/** Kinds without day and onset, which real keys spread over. */
const shapeOf = (kind: string): string => kind.split(' ').slice(1, 4).join(' ')

/** Keys with a period, risk and report that hardly any other key of all lists has, while all other combinations are common. */
export function strangers(lists: readonly PublishedList[]): KeyText[] {
  const distinct = new Map(lists.flatMap(({ keys, kinds }) => keys.map((key, k) => [key, shapeOf(kinds[k]!)] as const)))
  const counts = countsOf(distinct.values())
  const isRare = (shape: string): boolean => counts.get(shape)! <= 2
  const clear = [...counts].every(([shape, count]) => isRare(shape) || count >= COMMON_KIND)
  if (!clear || distinct.size < LEAST_CROWD) return []
  return [...distinct].filter(([, shape]) => isRare(shape)).map(([key]) => key)
}

/**
 * Whether a window of other days, but of the same hours and length, has the same kinds: padding by a schedule that follows nobody. Undefined where
 * there is no such window.
 */
export function followsSchedule(list: PublishedList, lists: readonly PublishedList[]): boolean | undefined {
  const DAY = 86_400
  const alike = lists.filter(
    (other) =>
      other.start !== list.start &&
      other.keys.length > 0 &&
      (other.start - list.start) % DAY === 0 &&
      other.end - other.start === list.end - list.start,
  )
  if (alike.length === 0) return undefined
  const kinds = new Set(list.kinds)
  return alike.some((other) => {
    const others = new Set(other.kinds)
    return others.size === kinds.size && [...kinds].every((kind) => others.has(kind))
  })
}

/** Chance below which counts are not thought to fit by accident. */
const ACCIDENT = 1e-6

/**
 * How many real keys a list was made of by copying each as often, one more or less: the fewest for which all counts of kinds fit as
 * they would not by accident. Infinite when there is no such number.
 */
export function copiedKeys(list: PublishedList): number {
  const counts = [...countsOf(list.kinds).values()]
  const total = list.keys.length
  for (let real = counts.length; real <= total / 3; real++) {
    if (accidentOf(counts, total, real) * total < ACCIDENT) return real
  }
  return Number.POSITIVE_INFINITY
}

/** The chance that counts around these fit `real` keys that were copied to `total` by turns; 1 when they do not fit. */
function accidentOf(counts: readonly number[], total: number, real: number): number {
  const least = Math.floor(total / real)
  const most = Math.ceil(total / real)
  let chance = 1
  let sum = 0
  for (const count of counts) {
    const originals = Math.max(1, Math.round((count * real) / total))
    if (count < originals * least || count > originals * most) return 1
    sum += originals
    chance *= Math.min(1, (originals * (most - least) + 1) / least)
  }
  return sum === real ? chance : 1
}
