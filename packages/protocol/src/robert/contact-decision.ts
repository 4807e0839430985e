// ROBERT §6.2 steps 5 to 9, for a batch that `locateContacts` has opened.
import { viewOf } from '../bytes.ts'
import { hmac12OfRows, MAC_BYTES, midstates, wipeHmac } from '../kernels/hmac.ts'
import {
  type Calendar,
  type Epoch,
  epochAt,
  epochStart,
  epochsIn,
  type NtpSeconds,
  type UnixSeconds,
  unixOf,
} from '../time.ts'
import { LAST_SLOT, SIZE, SLOT_SECONDS } from './constants.ts'
import {
  CONTACT_REFUSALS,
  type ContactContext,
  type ContactRefusal,
  FOREIGN,
  itemOf,
  LOCAL,
  type LocatedContacts,
  NO_ID,
  UNOPENED,
} from './contact.ts'
import type { PermanentId } from './ebid.ts'
import { HELLO_MAC_INPUT, writeHelloMacInput } from './hello.ts'
import { unpackSignal } from './item.ts'
import type { Parameters } from './parameters.ts'
import { type Exposure, exposureWeight, isExpired, unpackExposures, writeExposure } from './risk.ts'

/** The authentication keys K_A of registered users, as rows of midstates of HMAC (kernels/hmac.ts), 64 bytes each. */
export interface KeyTable {
  /** Writes the row of each identifier, or -1 for nobody; `NO_ID` is nobody. Both columns have the same length. */
  readonly find: (ids: Float64Array, rows: Int32Array) => void
  /** They let anyone make MACs as the user: guard them like the keys. */
  readonly midstates: Uint8Array
}

/** A table of a few users. Whoever made it calls `erase` when the batch is decided. */
export function keyTable(users: ReadonlyMap<PermanentId, Uint8Array>): KeyTable & { readonly erase: () => void } {
  const keys = new Uint8Array(SIZE.key * users.size)
  const rowOf = new Map<PermanentId, number>()
  for (const [id, key] of users) {
    keys.set(key, SIZE.key * rowOf.size)
    rowOf.set(id, rowOf.size)
  }
  const table = midstates(keys)
  keys.fill(0)
  wipeHmac()
  return {
    midstates: table,
    find: (ids, rows) => {
      for (let n = 0; n < ids.length; n++) rows[n] = rowOf.get(ids[n]!) ?? -1
    },
    erase: () => void table.fill(0),
  }
}

/** The verdicts of a batch, in columns; `verdictOf` reads one. */
export interface ContactVerdicts {
  readonly count: number
  /** `LOCAL` for step 9, `FOREIGN` for step 3's federation, or the step that refuses the item. */
  readonly routes: Uint8Array
  /** The user whose exposure it is, where the route is local; else `NO_ID`. */
  readonly ids: Float64Array
  /** Packed exposures of 4 bytes (`packExposure`), where the route is local. */
  readonly exposures: Uint8Array
  /** Where the route is foreign. */
  readonly countryCodes: Uint8Array
}

/** Steps 5 to 9 of ROBERT §6.2. All candidates are judged. */
export function decideContacts(
  located: LocatedContacts,
  keys: KeyTable,
  context: ContactContext,
  at: UnixSeconds,
): ContactVerdicts {
  const { count, routes, countryCodes } = located
  const verdicts: ContactVerdicts = {
    count,
    routes: routes.slice(),
    ids: new Float64Array(count).fill(NO_ID),
    exposures: new Uint8Array(SIZE.exposure * count),
    countryCodes,
  }
  // Steps 5 and 7.
  const rows = new Int32Array(located.ids.length)
  keys.find(located.ids, rows)
  judge(located, rows, macsFit(located, rows, keys), verdicts, context, at)
  return verdicts
}

/** Step 8, in one batch: per candidate, 1 where the MAC is that of the key in its row. Compared without a branch. */
function macsFit(located: LocatedContacts, rows: Int32Array, keys: KeyTable): Uint8Array {
  const { items, fits } = located
  const candidates = new Int32Array(rows.length)
  let known = 0
  for (let c = 0; c < rows.length; c++) {
    candidates[known] = c
    known += Number(rows[c]! >= 0) & fits[c]!
  }
  const view = viewOf(items)
  const keyRows = new Int32Array(known)
  const inputs = new Uint8Array(HELLO_MAC_INPUT * known)
  const written = new DataView(inputs.buffer)
  for (let n = 0; n < known; n++) {
    keyRows[n] = rows[candidates[n]!]!
    writeHelloMacInput(written, n, view, SIZE.item * itemOf(located, candidates[n]!))
  }
  const macs = new DataView(hmac12OfRows(keys.midstates, keyRows, inputs).buffer)
  wipeHmac()
  const fit = new Uint8Array(rows.length)
  for (let n = 0; n < known; n++) {
    const mac = SIZE.item * itemOf(located, candidates[n]!) + SIZE.hello - SIZE.helloMac
    const first = view.getInt32(mac) ^ macs.getInt32(MAC_BYTES * n)
    const last = view.getUint8(mac + 4) ^ macs.getUint8(MAC_BYTES * n + 4)
    fit[candidates[n]!] = Number((first | last) === 0)
  }
  return fit
}

/** What the steps say of a batch, once the MACs are known. */
function judge(
  located: LocatedContacts,
  rows: Int32Array,
  fit: Uint8Array,
  verdicts: ContactVerdicts,
  context: ContactContext,
  at: UnixSeconds,
): void {
  const { count, items, emitted, epochs, ids: found } = located
  const { routes, ids } = verdicts
  const exposures = new DataView(verdicts.exposures.buffer)
  const { parameters, calendar } = context
  const steps = refusingSteps(located, rows, fit, epochAt(calendar, at), context)
  const weights = weightsOf(parameters)
  const lastSlot = Math.min(calendar.epochDuration / SLOT_SECONDS - 1, LAST_SLOT)
  const chosen = chooseCandidates(located, steps)
  for (let k = 0; k < count; k++) {
    if (routes[k] !== LOCAL) continue
    const candidate = chosen[k]!
    routes[k] = steps[candidate]!
    if (steps[candidate] !== LOCAL) continue
    const slot = slotOf(calendar, emitted[k] as NtpSeconds, epochs[candidate]!, lastSlot)
    writeExposure(exposures, k, epochs[candidate]!, slot, weights[items[SIZE.item * (k + 1) - 1]!]!)
    ids[k] = found[candidate]!
  }
}

/** Footnotes 14 to 16: whatever step refuses one key, the other is tried. If both refuse, the one that came further is reported. */
function chooseCandidates({ count, nearMidnight }: LocatedContacts, steps: Uint8Array): Int32Array {
  const chosen = new Int32Array(count)
  for (let k = 0; k < count; k++) chosen[k] = k
  for (let n = 0; n < nearMidnight.length; n++) {
    const k = nearMidnight[n]!
    const first = steps[k]!
    const second = steps[count + n]!
    if (first !== LOCAL && (second === LOCAL || second > first)) chosen[k] = count + n
  }
  return chosen
}

/** Per candidate the first step that refuses it, or `LOCAL`. */
function refusingSteps(
  { epochs, fits }: LocatedContacts,
  rows: Int32Array,
  fit: Uint8Array,
  now: Epoch,
  { calendar, parameters }: ContactContext,
): Uint8Array {
  const contagious = epochsIn(calendar, parameters.contagiousDays)
  const steps = new Uint8Array(epochs.length)
  for (let c = 0; c < steps.length; c++) {
    const epoch = epochs[c]!
    if (epoch === UNOPENED) steps[c] = CONTACT_REFUSALS.noServerKey
    else if (rows[c]! < 0) steps[c] = CONTACT_REFUSALS.unknownId
    else if (fits[c] === 0) steps[c] = CONTACT_REFUSALS.epochMismatch
    else if (fit[c] === 0) steps[c] = CONTACT_REFUSALS.macInvalid
    // Step 9: an epoch that footnote 17 would remove at once, or that has not come yet, is not added.
    else if (isExpired(epoch, now, contagious) || epoch > now + 1) steps[c] = CONTACT_REFUSALS.outsideContagiousPeriod
  }
  return steps
}

/** The weight of every signal there is. */
const weightsOf = (parameters: Parameters): Uint8Array =>
  Uint8Array.from({ length: 256 }, (_, signal) => exposureWeight(unpackSignal(signal), parameters))

/** The slot of the emission: the time under the MAC fixes it, not the uploader's (docs/divergences.md, 12). */
function slotOf(calendar: Calendar, emitted: NtpSeconds, epoch: number, last: number): number {
  const into = unixOf(emitted) - epochStart(calendar, epoch)
  const slot = Math.floor(into / SLOT_SECONDS)
  return slot < 0 ? 0 : slot > last ? last : slot
}

/** The route of an item: step 9, step 3's federation, or a refusal. */
export type ContactVerdict =
  | { readonly route: 'local'; readonly id: PermanentId; readonly exposure: Exposure }
  | { readonly route: 'foreign'; readonly countryCode: number }
  | { readonly route: 'refused'; readonly reason: ContactRefusal }

/** The verdict of item k. */
export function verdictOf(verdicts: ContactVerdicts, k: number): ContactVerdict {
  const route = verdicts.routes[k]!
  if (route === FOREIGN) return { route: 'foreign', countryCode: verdicts.countryCodes[k]! }
  if (route !== LOCAL) return { route: 'refused', reason: refusalOf(route) }
  const [exposure] = unpackExposures(verdicts.exposures.subarray(SIZE.exposure * k, SIZE.exposure * (k + 1)))
  return { route: 'local', id: verdicts.ids[k]!, exposure: exposure! }
}

/** The name of the refusal of a step. */
export const refusalOf = (step: number): ContactRefusal =>
  (Object.keys(CONTACT_REFUSALS) as ContactRefusal[]).find((name) => CONTACT_REFUSALS[name] === step)!
