// What can be read from the order of a file. Keys sorted by their bytes tell nothing: random bytes have nothing to do with people.
import { countsOf, type PublishedList } from './padding-exports.ts'

/** Parts sorted one by one, in a list that is not sorted as a whole: what was added later stands apart. */
const MOST_PARTS = 10
/** Standard deviations by which neighbours say the same more often than keys in random order would. */
const CONSPICUOUS = 6

/** Whether the order tells which keys belong together. */
export function orderTells(list: PublishedList): boolean {
  // Every file of a split window starts anew.
  const ends = new Set<number>()
  let length = 0
  for (const part of list.parts) {
    length += part.count
    ends.add(length)
  }
  let breaks = 0
  let pairs = 0
  let equal = 0
  for (let k = 1; k < list.keys.length; k++) {
    if (ends.has(k)) continue
    pairs++
    if (list.keys[k - 1]! > list.keys[k]!) breaks++
    if (list.kinds[k - 1] === list.kinds[k]) equal++
  }
  if (breaks === 0) return false
  if (breaks < MOST_PARTS && pairs > MOST_PARTS * MOST_PARTS) return true
  const total = list.kinds.length
  const chance = [...countsOf(list.kinds).values()].reduce((sum, count) => sum + (count / total) ** 2, 0)
  return equal - chance * pairs > CONSPICUOUS * Math.sqrt(chance * (1 - chance) * pairs)
}
