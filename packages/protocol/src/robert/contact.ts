// ROBERT §6.2: what the back-end does with uploaded (HELLO, Time), for a batch, stage by stage over columns of the batch. Steps 1 to 4
// and 6 need the server's keys only and find the identifiers to look up; steps 5 to 9 stand in `contact-decision.ts`. Between the two
// the flow reads its store. packages/protocol/test/oracle/contact.ts says the same for one item, step by step.
import { viewOf } from '../bytes.ts'
import {
  dayOf,
  epochAt,
  isNearMidnight,
  type NtpSeconds,
  neighbourDay,
  ntpOf,
  type UnixSeconds,
  type UtcDay,
  unfold16,
  unfold32,
  unixOf,
} from '../time.ts'
import { SIZE } from './constants.ts'
import { epochInView, idInView, openEbids, type PermanentId, type ServerKey } from './ebid.ts'
import type { IdentifierKeys } from './list.ts'
import type { Parameters } from './parameters.ts'
import { type Profile, withinTolerance } from './profile.ts'

/** Why an item is refused, with the step of ROBERT §6.2 that refuses it. */
export const CONTACT_REFUSALS = {
  helloTooFarFromTime: 2,
  noServerKey: 4,
  unknownId: 5,
  epochMismatch: 6,
  macInvalid: 8,
  outsideContagiousPeriod: 9,
} as const
export type ContactRefusal = keyof typeof CONTACT_REFUSALS

/** The route of an item in a column: accepted (step 9), of another country (step 3), or the number of the step that refuses it. */
export const LOCAL = 0
export const FOREIGN = 1

/** What the back-end knows when it judges items. */
export interface ContactContext extends IdentifierKeys {
  readonly profile: Profile
  readonly parameters: Parameters
  /** Country codes with which this country federates. */
  readonly peers: ReadonlySet<number>
}

const LITTLE_ENDIAN = true

/** In a column of identifiers: nobody to look up. */
export const NO_ID = -1
/** In a column of epochs: no server key to open the EBID with. */
export const UNOPENED = -1

/**
 * Items after step 4, in columns: of items, or of candidates. A candidate is an item under one server key: candidate k is item k under
 * that of its day; those of items near midnight under that of the neighbour day follow (footnote 13).
 */
export interface LocatedContacts {
  readonly items: Uint8Array
  readonly count: number
  /** The items near midnight, ascending: entry n is the item of candidate `count + n`. */
  readonly nearMidnight: Int32Array
  /** Per item: NTP seconds of the emission, which the MAC covers, near those of the reception. */
  readonly emitted: Float64Array
  /** Per item: `FOREIGN`, step 2, or `LOCAL` where the other steps decide. */
  readonly routes: Uint8Array
  /** Per item, where it is foreign. */
  readonly countryCodes: Uint8Array
  /** Per candidate: the epoch that the EBID says, or `UNOPENED`. */
  readonly epochs: Int32Array
  /** Per candidate: 1 where its epoch is that of the reception, or next to it (step 6). */
  readonly fits: Uint8Array
  /** Per candidate: the identifier to look up, or `NO_ID`. */
  readonly ids: Float64Array
}

/** Steps 1 to 4 of ROBERT §6.2 for n items of 21 bytes in one array. Throws `RangeError` for a part of an item. */
export function locateContacts(items: Uint8Array, context: ContactContext, at: UnixSeconds): LocatedContacts {
  const count = items.length / SIZE.item
  if (!Number.isInteger(count)) throw new RangeError(`items come in rows of ${SIZE.item} bytes`)
  const heard: Heard = {
    ebids: new Uint8Array(SIZE.ebid * count),
    times: new Float64Array(count),
    received: new Int32Array(count),
  }
  const emitted = new Float64Array(count)
  const routes = new Uint8Array(count)
  const nearMidnight = parse(items, heard, emitted, routes, context, at)
  const candidates = count + nearMidnight.length
  const located: LocatedContacts = {
    items,
    count,
    nearMidnight,
    emitted,
    routes,
    countryCodes: new Uint8Array(count),
    epochs: new Int32Array(candidates).fill(UNOPENED),
    fits: new Uint8Array(candidates),
    ids: new Float64Array(candidates).fill(NO_ID),
  }
  routeAbroad(located, heard.ebids, context)
  open(located, heard, context)
  return located
}

/** The item of a candidate. */
export const itemOf = ({ count, nearMidnight }: LocatedContacts, candidate: number): number =>
  candidate < count ? candidate : nearMidnight[candidate - count]!

/** The identifiers that need keys, each once. */
export function idsOf(located: LocatedContacts): PermanentId[] {
  const ids = new Set(located.ids)
  ids.delete(NO_ID)
  return [...ids]
}

/** Columns that no later step needs. */
interface Heard {
  readonly ebids: Uint8Array
  /** NTP seconds of reception by the uploading phone, unfolded to the era nearest to `at`. */
  readonly times: Float64Array
  /** The epochs of the reception. */
  readonly received: Int32Array
}

/** Steps 1 and 2. Gives the items near midnight. */
function parse(
  items: Uint8Array,
  { ebids, times, received }: Heard,
  emitted: Float64Array,
  routes: Uint8Array,
  { profile, parameters, calendar }: ContactContext,
  at: UnixSeconds,
): Int32Array {
  const view = viewOf(items)
  const words = new Int32Array(ebids.buffer)
  const near = ntpOf(at)
  const nearMidnight: number[] = []
  for (let k = 0; k < routes.length; k++) {
    const offset = SIZE.item * k
    // Step 1.
    words[2 * k] = view.getInt32(offset + SIZE.ecc, LITTLE_ENDIAN)
    words[2 * k + 1] = view.getInt32(offset + SIZE.ecc + 4, LITTLE_ENDIAN)
    const time = unfold32(view.getUint32(offset + SIZE.hello), near)
    // Step 2: on the circle of 16-bit times (docs/divergences.md, 3), which is the distance of the unfolded emission.
    const sent = unfold16(view.getUint16(offset + SIZE.ecc + SIZE.ebid), time)
    const close = withinTolerance(profile, Math.abs(sent - time), parameters.helloTolerance)
    if (!close) routes[k] = CONTACT_REFUSALS.helloTooFarFromTime
    times[k] = time
    emitted[k] = sent
    received[k] = epochAt(calendar, unixOf(time))
    // An epoch that step 6 lets pass starts less than two epochs before Time, or at most one after it.
    if (isNearMidnight(unixOf(time), 2 * calendar.epochDuration)) nearMidnight.push(k)
  }
  return Int32Array.from(nearMidnight)
}

/** Step 3: a known foreign country is forwarded, any other code goes on (docs/divergences.md, 16). */
function routeAbroad(located: LocatedContacts, ebids: Uint8Array, context: ContactContext): void {
  const { items, count, routes, countryCodes } = located
  const stream = context.federation(ebids)
  for (let k = 0; k < count; k++) {
    const countryCode = items[SIZE.item * k]! ^ stream[k]!
    if (routes[k] !== LOCAL || countryCode === context.countryCode || !context.peers.has(countryCode)) continue
    routes[k] = FOREIGN
    countryCodes[k] = countryCode
  }
}

/** Candidates in the order of the server keys that they are tried with. */
interface Trials {
  readonly candidates: Int32Array
  readonly keys: readonly ServerKey[]
  /** Where the candidates of each key begin, and where those of the last end. */
  readonly starts: readonly number[]
}

/** Step 4, footnote 13: K_S by Time, and near midnight the neighbour day's as well. Each key decrypts its candidates in one batch. */
function open(located: LocatedContacts, { ebids, times, received }: Heard, context: ContactContext): void {
  const { candidates, keys, starts } = trialsOf(located, times, context)
  const total = candidates.length
  const from = new Int32Array(ebids.buffer)
  const to = new Int32Array((SIZE.ebid / 4) * total)
  for (let n = 0; n < total; n++) {
    const k = itemOf(located, candidates[n]!)
    to[2 * n] = from[2 * k]!
    to[2 * n + 1] = from[2 * k + 1]!
  }
  const blocks = new Uint8Array(to.buffer)
  const view = new DataView(to.buffer)
  for (let key = 0; key < keys.length; key++) {
    openEbids(keys[key]!, blocks.subarray(SIZE.ebid * starts[key]!, SIZE.ebid * starts[key + 1]!))
  }
  const { epochs, ids, fits } = located
  for (let n = 0; n < total; n++) {
    const candidate = candidates[n]!
    const near = received[itemOf(located, candidate)]!
    const epoch = epochInView(view, n)
    epochs[candidate] = epoch
    ids[candidate] = idInView(view, n)
    // Step 6, with floor division; epochs before the service are refused (docs/divergences.md, 4).
    fits[candidate] = Number(near >= 0 && Math.abs(near - epoch) <= 1)
  }
  dropStrangers(located)
}

/**
 * Step 6 ahead of step 5, so that the key that did not make an EBID costs no look-up: where one candidate fits its epoch, the other is
 * nobody's. Where none does both are looked up, and steps 5 and 6 refuse in their order.
 */
function dropStrangers({ count, nearMidnight, fits, ids }: LocatedContacts): void {
  for (let n = 0; n < nearMidnight.length; n++) {
    const first = fits[nearMidnight[n]!]!
    const second = fits[count + n]!
    if (first > second) ids[count + n] = NO_ID
    else if (second > first) ids[nearMidnight[n]!] = NO_ID
  }
}

/** Which key each candidate is tried with, sorted by key: a counting sort. Without a key a candidate is left out. */
function trialsOf(located: LocatedContacts, times: Float64Array, { serverKeyOf }: ContactContext): Trials {
  const { count, routes, nearMidnight } = located
  const days = new Int32Array(count + nearMidnight.length)
  for (let k = 0; k < count; k++) days[k] = dayOf(unixOf(times[k] as NtpSeconds))
  for (let n = 0; n < nearMidnight.length; n++) {
    days[count + n] = neighbourDay(unixOf(times[nearMidnight[n]!] as NtpSeconds))
  }
  const keys: ServerKey[] = []
  // Asked once for each day. A batch mostly holds few, but its senders may name any: so a map, and a small table in front of it.
  const known = new Map<number, number>()
  const recentDays = new Int32Array(RECENT).fill(NO_DAY)
  const recent = new Int32Array(RECENT)
  const ask = (day: number): number => {
    const key = known.has(day) ? undefined : serverKeyOf(day as UtcDay)
    const place = known.get(day) ?? (key === undefined ? NO_KEY : keys.push(key) - 1)
    known.set(day, place)
    recentDays[day & (RECENT - 1)] = day
    recent[day & (RECENT - 1)] = place
    return place
  }
  const places = new Int32Array(days.length)
  const sizes = new Int32Array(days.length + 1)
  for (let c = 0; c < places.length; c++) {
    const slot = days[c]! & (RECENT - 1)
    const place = recentDays[slot] === days[c] ? recent[slot]! : ask(days[c]!)
    places[c] = routes[itemOf(located, c)] === LOCAL ? place : NO_KEY
    sizes[places[c]! + 1]!++
  }
  return sorted(places, sizes, keys)
}

const RECENT = 64
const NO_DAY = 0x7fffffff
const NO_KEY = -1

/** `sizes`: how many candidates have no key, the first key, the second, … */
function sorted(places: Int32Array, sizes: Int32Array, keys: readonly ServerKey[]): Trials {
  const starts = [0]
  for (let key = 0; key < keys.length; key++) starts.push(starts[key]! + sizes[key + 1]!)
  const next = Int32Array.from(starts)
  const candidates = new Int32Array(starts[keys.length]!)
  for (let c = 0; c < places.length; c++) {
    const place = places[c]!
    if (place !== NO_KEY) candidates[next[place]!++] = c
  }
  return { candidates, keys, starts }
}
