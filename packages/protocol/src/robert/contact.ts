// ROBERT §6.2: what the back-end does with uploaded (HELLO, Time), for a batch, stage by stage over columns of the batch. Steps 1 to 4
// and 6 need the server's keys only and find the identifiers to look up; steps 5 to 9 stand in `contact-decision.ts`. Between the two
// the flow reads its store. packages/protocol/test/oracle/contact.ts says the same for one item, step by step.
import {
  dayOf,
  epochAt,
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
import { epochOfBlock, idOfBlock, openEbids, type PermanentId, type ServerKey } from './ebid.ts'
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

/** Two server keys are tried for every item (footnote 13): candidate c of item k stands at 2k + c. */
const CANDIDATES = 2
/** In a column of identifiers: nobody to look up. */
export const NO_ID = -1
/** In a column of epochs: no server key to open the EBID with. */
export const UNOPENED = -1

/** Items after step 4, in columns: of items, or of candidates, two for each item. */
export interface LocatedContacts {
  readonly items: Uint8Array
  readonly count: number
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
  const located: LocatedContacts = {
    items,
    count,
    emitted: new Float64Array(count),
    routes: new Uint8Array(count),
    countryCodes: new Uint8Array(count),
    epochs: new Int32Array(CANDIDATES * count).fill(UNOPENED),
    fits: new Uint8Array(CANDIDATES * count),
    ids: new Float64Array(CANDIDATES * count).fill(NO_ID),
  }
  const heard = {
    ebids: new Uint8Array(SIZE.ebid * count),
    times: new Float64Array(count),
    received: new Int32Array(count),
  }
  parse(located, heard, context, at)
  routeAbroad(located, heard.ebids, context)
  open(located, heard, context)
  return located
}

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

/** Steps 1 and 2. */
function parse(
  located: LocatedContacts,
  { ebids, times, received }: Heard,
  context: ContactContext,
  at: UnixSeconds,
): void {
  const { items, count, emitted, routes } = located
  const view = new DataView(items.buffer, items.byteOffset, items.length)
  const words = new Int32Array(ebids.buffer)
  const near = ntpOf(at)
  const { profile, parameters, calendar } = context
  for (let k = 0; k < count; k++) {
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
    received[k] = epochAt(calendar, unixOf(time))
    emitted[k] = sent
  }
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

/** Step 4, footnote 13: K_S by Time, and the nearest other day's. Each key decrypts its candidates in one batch. */
function open(located: LocatedContacts, { ebids, times, received }: Heard, context: ContactContext): void {
  const { candidates, keys, starts } = trialsOf(located, times, context)
  const total = candidates.length
  const from = new Int32Array(ebids.buffer)
  const to = new Int32Array((SIZE.ebid / 4) * total)
  for (let n = 0; n < total; n++) {
    const k = candidates[n]! >> 1
    to[2 * n] = from[2 * k]!
    to[2 * n + 1] = from[2 * k + 1]!
  }
  const blocks = new Uint8Array(to.buffer)
  for (let key = 0; key < keys.length; key++) {
    openEbids(keys[key]!, blocks.subarray(SIZE.ebid * starts[key]!, SIZE.ebid * starts[key + 1]!))
  }
  const { epochs, ids, fits } = located
  for (let n = 0; n < total; n++) {
    const candidate = candidates[n]!
    const near = received[candidate >> 1]!
    const epoch = epochOfBlock(blocks, n)
    epochs[candidate] = epoch
    ids[candidate] = idOfBlock(blocks, n)
    // Step 6, with floor division; epochs before the service are refused (docs/divergences.md, 4).
    fits[candidate] = Number(near >= 0 && Math.abs(near - epoch) <= 1)
  }
  dropStrangers(located)
}

/**
 * Step 6 ahead of step 5, so that the key that did not make an EBID costs no look-up: where one candidate fits its epoch, the other is
 * nobody's. Where none does both are looked up, and steps 5 and 6 refuse in their order.
 */
function dropStrangers({ count, fits, ids }: LocatedContacts): void {
  for (let k = 0; k < count; k++) {
    const [first, second] = [CANDIDATES * k, CANDIDATES * k + 1]
    if (fits[first]! > fits[second]!) ids[second] = NO_ID
    else if (fits[second]! > fits[first]!) ids[first] = NO_ID
  }
}

/** Which key each candidate is tried with, sorted by key. */
function trialsOf({ count, routes }: LocatedContacts, times: Float64Array, { serverKeyOf }: ContactContext): Trials {
  const keys: ServerKey[] = []
  const placeOf = remembered((day: UtcDay) => {
    const key = serverKeyOf(day)
    return key === undefined ? -1 : keys.push(key) - 1
  })
  const places = new Int32Array(CANDIDATES * count).fill(-1)
  for (let k = 0; k < count; k++) {
    if (routes[k] !== LOCAL) continue
    const time = unixOf(times[k] as NtpSeconds)
    places[CANDIDATES * k] = placeOf(dayOf(time))
    places[CANDIDATES * k + 1] = placeOf(neighbourDay(time))
  }
  return { ...sorted(places, keys.length), keys }
}

/** Asks once for each day: a batch holds few, and its senders may name any. */
function remembered(compute: (day: UtcDay) => number): (day: UtcDay) => number {
  const known = new Map<UtcDay, number>()
  return (day) => {
    const found = known.get(day)
    if (found !== undefined) return found
    const made = compute(day)
    known.set(day, made)
    return made
  }
}

/** A counting sort of candidates by the place of their key; without a key they are left out. */
function sorted(places: Int32Array, keys: number): Pick<Trials, 'candidates' | 'starts'> {
  const starts = new Array<number>(keys + 1).fill(0)
  for (let c = 0; c < places.length; c++) if (places[c]! >= 0) starts[places[c]! + 1]!++
  for (let key = 0; key < keys; key++) starts[key + 1]! += starts[key]!
  const candidates = new Int32Array(starts[keys]!)
  const next = starts.slice()
  for (let c = 0; c < places.length; c++) if (places[c]! >= 0) candidates[next[places[c]!]!++] = c
  return { candidates, starts }
}
