// Which items of the log are sent (ROBERT §6.1): those of the authority's window, filtered, and with dummies always the same number
// for each day, so that neither the authority nor the back-end learns how many people somebody met.
import {
  DAY_SECONDS,
  dayOf,
  dayStart,
  drawBelow,
  ntpOf,
  type Random,
  TOKEN,
  time16,
  toHex,
  type UtcDay,
  writeUint,
} from '@vicinity/protocol'
import {
  MOST_MINUTES,
  type Parameters,
  packItem,
  packSignal,
  SIZE,
  strengthWeight,
  unpackSignal,
} from '@vicinity/protocol/robert'
import type { KeptItem } from './events.ts'
import type { Settings, Window } from './state.ts'

/** `tokensPerDay` entries for each day of the window, packed. */
export interface Choice {
  readonly firstDay: UtcDay
  readonly items: Uint8Array
  readonly randoms: Uint8Array
}

interface Heard extends KeptItem {
  readonly identifier: string
  readonly minutes: number
}

/** The first and the last day in which a second lies strictly inside the window. */
export const firstDayOf = (window: Window): UtcDay => dayOf((window.contagiousFrom + 1) as KeptItem['time'])
export const lastDayOf = (window: Window): UtcDay => dayOf((window.contagiousTo - 1) as KeptItem['time'])

export function chooseItems(
  items: readonly KeptItem[],
  window: Window,
  parameters: Parameters,
  filter: Settings['filter'],
  random: Random,
): Choice {
  const { tokensPerDay } = window
  const inside = items.filter((kept) => isInside(kept, window)).map(heardOf)
  const passing = filter === 'none' ? inside : filterHeard(inside, parameters)
  const days = groupBy(passing, (kept) => dayOf(kept.time))
  const firstDay = firstDayOf(window)
  const count = Math.max(lastDayOf(window) - firstDay + 1, 0)
  const choice = {
    firstDay,
    items: new Uint8Array(SIZE.item * tokensPerDay * count),
    randoms: new Uint8Array(TOKEN.random * tokensPerDay * count),
  }
  for (let k = 0; k < count; k++) {
    const day = (firstDay + k) as UtcDay
    const real = mostTelling(days.get(day) ?? [], tokensPerDay)
    for (let n = 0; n < tokensPerDay; n++) {
      const item = real[n]?.item ?? dummyItem(day, window, random)
      choice.items.set(item, SIZE.item * (tokensPerDay * k + n))
    }
    choice.randoms.set(random(TOKEN.random * tokensPerDay), TOKEN.random * tokensPerDay * k)
  }
  return choice
}

/** ROBERT §6.1: ContStart < Time < ContEnd, both strict. */
const isInside = ({ time, item }: KeptItem, window: Window): boolean =>
  item.length === SIZE.item && window.contagiousFrom < time && time < window.contagiousTo

const heardOf = ({ time, item }: KeptItem): Heard => {
  const { minutes } = unpackSignal(item[SIZE.item - 1]!)
  const identifier = toHex(item.subarray(SIZE.ecc, SIZE.ecc + SIZE.ebid))
  // Unknown counts as one minute, as in the risk function.
  return { time, item, identifier, minutes: minutes === 0 ? 1 : minutes }
}

function groupBy<Key>(heard: readonly Heard[], keyOf: (kept: Heard) => Key): Map<Key, Heard[]> {
  const groups = new Map<Key, Heard[]>()
  for (const kept of heard) {
    const group = groups.get(keyOf(kept))
    if (group === undefined) groups.set(keyOf(kept), [kept])
    else group.push(kept)
  }
  return groups
}

const minutesOf = (group: readonly Heard[]): number => group.reduce((sum, kept) => sum + kept.minutes, 0)

/** Who was passed by, or only heard from afar, is not told to anybody. */
function filterHeard(heard: readonly Heard[], parameters: Parameters): Heard[] {
  const near = (kept: Heard) => strengthWeight(unpackSignal(kept.item[SIZE.item - 1]!).strengthClass, parameters) > 0
  const groups = groupBy(heard, (kept) => kept.identifier)
  return [...groups.values()].filter((group) => minutesOf(group) >= parameters.filterMinutes && group.some(near)).flat()
}

/** At most `most` items: one of each identifier before a second of any, those heard longest first. */
function mostTelling(heard: readonly Heard[], most: number): readonly Heard[] {
  if (heard.length <= most) return heard
  const groups = [...groupBy(heard, (kept) => kept.identifier).values()]
  groups.sort((a, b) => minutesOf(b) - minutesOf(a))
  for (const group of groups) group.sort((a, b) => b.minutes - a.minutes)
  const others = groups.flatMap((group) => group.slice(1)).sort((a, b) => b.minutes - a.minutes)
  return [...groups.map((group) => group[0]!), ...others].slice(0, most)
}

/** What somebody might have been heard to say in this day: random bytes around a time that fits. The MAC fits nobody's key. */
function dummyItem(day: UtcDay, window: Window, random: Random): Uint8Array {
  const first = Math.max(dayStart(day), window.contagiousFrom + 1)
  const last = Math.min(dayStart(day) + DAY_SECONDS, window.contagiousTo) - 1
  const time = ntpOf((first + drawBelow(random, last - first + 1)) as KeptItem['time'])
  const hello = random(SIZE.hello)
  writeUint(hello, SIZE.ecc + SIZE.ebid, 2, time16(time))
  const signal = packSignal({ strengthClass: 1 + drawBelow(random, 31), minutes: 1 + drawBelow(random, MOST_MINUTES) })
  return packItem(hello, time, signal)
}
