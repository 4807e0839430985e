// A real key is in every export whose window holds the time of its arrival. A key for which no such time is left was invented for one
// file and not kept: the fault of a deployed server, which stores 300 of 1000 invented keys.
import type { KeyText, PublishedList } from './padding-exports.ts'

/** Whether some time lies in the windows of all lists that have a key and of none that has it not. */
function canHaveArrived(lists: readonly PublishedList[], has: readonly boolean[]): boolean {
  const holders = lists.filter((_, k) => has[k])
  const others = lists.filter((_, k) => !has[k])
  const from = Math.max(...holders.map(({ start }) => start))
  const until = Math.min(...holders.map(({ end }) => end))
  // Windows begin and end at few times: one of these is free, or none is.
  const times = [from, ...others.map(({ end }) => end).filter((end) => end > from)]
  return times.some((time) => time < until && !others.some(({ start, end }) => start <= time && time < end))
}

/**
 * The keys that cannot all be real, each in one region and either list. `lists` are of one region and kind of list. Counts on every
 * list being whole: a file that is not there is no evidence, a file with keys taken out would be.
 */
export function vanishedKeys(lists: readonly PublishedList[]): Set<KeyText> {
  // Sets of lists by number: set 0 is empty, and the other sets grow from another by one list.
  const sets: boolean[][] = [lists.map(() => false)]
  const grown = new Map<string, number>()
  const setOf = new Map<KeyText, number>()
  for (const [k, { keys }] of lists.entries()) {
    for (const key of keys) {
      const before = setOf.get(key) ?? 0
      if (sets[before]![k]) continue
      const step = `${before} ${k}`
      let after = grown.get(step)
      if (after === undefined) {
        after = sets.push(sets[before]!.map((has, at) => has || at === k)) - 1
        grown.set(step, after)
      }
      setOf.set(key, after)
    }
  }
  const possible = sets.map((has, set) => set === 0 || canHaveArrived(lists, has))
  return new Set([...setOf].filter(([, set]) => !possible[set]).map(([key]) => key))
}
