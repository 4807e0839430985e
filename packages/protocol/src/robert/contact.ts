// ROBERT §6.2: what the back-end does with an uploaded (HELLO, Time), for a batch. Steps 1 to 4 need the server's keys only and
// find the identifiers to look up; steps 5 to 9 need the users' keys. Between the two the flow reads its store.
import { equalBytes } from '#crypto'
import { readUint } from '../bytes.ts'
import { hmac12, MAC_BYTES, wipeHmac } from '../kernels/hmac.ts'
import {
  type Calendar,
  dayOf,
  type Epoch,
  epochAt,
  epochStart,
  epochsIn,
  type NtpSeconds,
  neighbourDay,
  ntpOf,
  type UnixSeconds,
  type UtcDay,
  unfold16,
  unfold32,
  unixOf,
} from '../time.ts'
import { LAST_SLOT, SIZE, SLOT_SECONDS } from './constants.ts'
import { epochOfBlock, idOfBlock, openEbids, type PermanentId, type ServerKey } from './ebid.ts'
import { HELLO_MAC_INPUT, timeIsClose, writeHelloMacInput } from './hello.ts'
import { unpackSignal } from './item.ts'
import type { IdentifierKeys } from './list.ts'
import type { Parameters } from './parameters.ts'
import type { Profile } from './profile.ts'
import { type Exposure, exposureWeight, isExpired } from './risk.ts'

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

/** The route of an item: step 9, step 3's federation, or a refusal. */
export type ContactVerdict =
  | { readonly route: 'local'; readonly id: PermanentId; readonly exposure: Exposure }
  | { readonly route: 'foreign'; readonly countryCode: number }
  | { readonly route: 'refused'; readonly reason: ContactRefusal }

/** What the back-end knows when it judges items. */
export interface ContactContext extends IdentifierKeys {
  readonly profile: Profile
  readonly parameters: Parameters
  /** Country codes with which this country federates. */
  readonly peers: ReadonlySet<number>
}

/** Items after step 4: each has two candidates for (epoch, id), one for each server key that is tried. */
export interface LocatedContacts {
  readonly items: Uint8Array
  readonly count: number
  /** Time of reception by the uploading phone, unfolded to the era nearest to `at`. */
  readonly times: readonly NtpSeconds[]
  readonly early: readonly (ContactVerdict | undefined)[]
  /** Blocks of epoch 3 | id 5: candidate c of item k at 2k + c. */
  readonly blocks: Uint8Array
  /** Whether a server key existed for the candidate. */
  readonly tried: readonly boolean[]
  /** The identifiers that may need keys, each once. */
  readonly ids: readonly PermanentId[]
}

/** Steps 1 to 4 of ROBERT §6.2 for n items of 21 bytes in one array. Two server keys are tried for every item. */
export function locateContacts(items: Uint8Array, context: ContactContext, at: UnixSeconds): LocatedContacts {
  const count = items.length / SIZE.item
  const times: NtpSeconds[] = []
  const blocks = new Uint8Array(2 * SIZE.ebid * count)
  const ebids = new Uint8Array(SIZE.ebid * count)
  const days = new Map<UtcDay, number[]>()
  for (let k = 0; k < count; k++) {
    const offset = SIZE.item * k
    // Step 1: parse.
    const ebid = items.subarray(offset + SIZE.ecc, offset + SIZE.ecc + SIZE.ebid)
    times.push(unfold32(readUint(items, offset + SIZE.hello, 4), ntpOf(at)))
    ebids.set(ebid, SIZE.ebid * k)
    // Step 4, footnote 13: K_S by Time, and the nearest other day's.
    const time = unixOf(times[k]!)
    ;[dayOf(time), neighbourDay(time)].forEach((day, candidate) => {
      blocks.set(ebid, SIZE.ebid * (2 * k + candidate))
      const list = days.get(day)
      if (list === undefined) days.set(day, [2 * k + candidate])
      else list.push(2 * k + candidate)
    })
  }
  const tried = openCandidates(blocks, days, context.serverKeyOf)
  const codes = context.federation(ebids)
  const early = times.map((time, k) => earlyVerdict(items, k, time, codes[k]!, context))
  const ids = new Set<PermanentId>()
  tried.forEach((was, c) => {
    if (was && early[c >> 1] === undefined) ids.add(idOfBlock(blocks, c))
  })
  return { items, count, times, early, blocks, tried, ids: [...ids] }
}

/** Step 4: decrypts the candidates of each day in one batch. Answers which had a key. */
function openCandidates(
  blocks: Uint8Array,
  days: ReadonlyMap<UtcDay, readonly number[]>,
  serverKeyOf: (day: UtcDay) => ServerKey | undefined,
): boolean[] {
  const tried = new Array<boolean>(blocks.length / SIZE.ebid).fill(false)
  for (const [day, candidates] of days) {
    const key = serverKeyOf(day)
    if (key === undefined) continue
    const batch = new Uint8Array(SIZE.ebid * candidates.length)
    candidates.forEach((c, n) => {
      batch.set(blocks.subarray(SIZE.ebid * c, SIZE.ebid * (c + 1)), SIZE.ebid * n)
    })
    openEbids(key, batch)
    candidates.forEach((c, n) => {
      blocks.set(batch.subarray(SIZE.ebid * n, SIZE.ebid * (n + 1)), SIZE.ebid * c)
      tried[c] = true
    })
  }
  return tried
}

/** Steps 2 and 3: what can be decided without opening the EBID. */
function earlyVerdict(
  items: Uint8Array,
  k: number,
  time: NtpSeconds,
  stream: number,
  context: ContactContext,
): ContactVerdict | undefined {
  const offset = SIZE.item * k
  // Step 2.
  const helloTime = readUint(items, offset + SIZE.ecc + SIZE.ebid, 2)
  if (!timeIsClose(context.profile, helloTime, time, context.parameters.helloTolerance)) {
    return { route: 'refused', reason: 'helloTooFarFromTime' }
  }
  // Step 3: a known foreign country is forwarded, any other code goes on (docs/divergences.md, 16).
  const countryCode = items[offset]! ^ stream
  if (countryCode !== context.countryCode && context.peers.has(countryCode)) return { route: 'foreign', countryCode }
  return undefined
}

/** Steps 5 to 9 of ROBERT §6.2. `keyOf` gives K_A of a registered identifier. Both candidates are judged for every item. */
export function decideContacts(
  located: LocatedContacts,
  keyOf: (id: PermanentId) => Uint8Array | undefined,
  context: ContactContext,
  at: UnixSeconds,
): ContactVerdict[] {
  const screened = Array.from({ length: 2 * located.count }, (_, candidate) =>
    located.early[candidate >> 1] === undefined ? screen(located, candidate, keyOf, context) : undefined,
  )
  const macsFit = checkMacs(located, screened)
  return located.early.map((early, k) => {
    if (early !== undefined) return early
    const [first, second] = [2 * k, 2 * k + 1].map((candidate) => {
      const known = screened[candidate]!
      return isRefused(known) ? known : accept(located, candidate, known, macsFit[candidate]!, context, at)
    }) as [Judged, Judged]
    // Footnotes 14 to 16: whatever step refuses one key, the other is tried. The one that came further is reported.
    if (first.route !== 'refused') return first
    if (second.route !== 'refused') return second
    return CONTACT_REFUSALS[second.reason] > CONTACT_REFUSALS[first.reason] ? second : first
  })
}

type Refused = Extract<ContactVerdict, { readonly route: 'refused' }>
type Judged = Exclude<ContactVerdict, { readonly route: 'foreign' }>

/** A candidate whose identifier is registered and whose epoch fits: its MAC decides. */
interface Known {
  readonly id: PermanentId
  readonly epoch: Epoch
  readonly key: Uint8Array
}

const isRefused = (judged: Known | Refused): judged is Refused => 'reason' in judged

const itemAt = (located: LocatedContacts, k: number): Uint8Array =>
  located.items.subarray(SIZE.item * k, SIZE.item * (k + 1))

/** Steps 5 to 7. */
function screen(
  located: LocatedContacts,
  candidate: number,
  keyOf: (id: PermanentId) => Uint8Array | undefined,
  context: ContactContext,
): Known | Refused {
  if (!located.tried[candidate]) return { route: 'refused', reason: 'noServerKey' }
  const id = idOfBlock(located.blocks, candidate)
  const epoch = epochOfBlock(located.blocks, candidate)
  // Step 5 and step 7.
  const key = keyOf(id)
  if (key === undefined) return { route: 'refused', reason: 'unknownId' }
  // Step 6, with floor division; epochs before the service are refused (docs/divergences.md, 4).
  const received = epochAt(context.calendar, unixOf(located.times[candidate >> 1]!))
  if (received < 0 || Math.abs(received - epoch) > 1) return { route: 'refused', reason: 'epochMismatch' }
  return { id, epoch, key }
}

/** Step 8 for all that came so far, in one batch: whether the MAC of each candidate is that of its key. */
function checkMacs(located: LocatedContacts, screened: readonly (Known | Refused | undefined)[]): boolean[] {
  const rows = screened.flatMap((known, candidate) =>
    known === undefined || isRefused(known) ? [] : [{ candidate, key: known.key }],
  )
  const keys = new Uint8Array(SIZE.key * rows.length)
  const inputs = new Uint8Array(HELLO_MAC_INPUT * rows.length)
  rows.forEach(({ candidate, key }, row) => {
    keys.set(key, SIZE.key * row)
    writeHelloMacInput(inputs, row, itemAt(located, candidate >> 1))
  })
  const macs = hmac12(keys, inputs, rows.length)
  wipeHmac()
  keys.fill(0)
  const fit = new Array<boolean>(screened.length).fill(false)
  rows.forEach(({ candidate }, row) => {
    const mac = macs.subarray(MAC_BYTES * row, MAC_BYTES * row + SIZE.helloMac)
    fit[candidate] = equalBytes(mac, itemAt(located, candidate >> 1).subarray(SIZE.hello - SIZE.helloMac, SIZE.hello))
  })
  return fit
}

/** Steps 8 and 9. */
function accept(
  located: LocatedContacts,
  candidate: number,
  { id, epoch }: Known,
  macFits: boolean,
  context: ContactContext,
  at: UnixSeconds,
): Judged {
  // Step 8.
  if (!macFits) return { route: 'refused', reason: 'macInvalid' }
  // Step 9: an epoch that footnote 17 would remove at once, or that has not come yet, is not added.
  const now = epochAt(context.calendar, at)
  const expired = isExpired(epoch, now, epochsIn(context.calendar, context.parameters.contagiousDays))
  if (expired || epoch > now + 1) return { route: 'refused', reason: 'outsideContagiousPeriod' }
  const item = itemAt(located, candidate >> 1)
  const slot = slotOf(context.calendar, item, located.times[candidate >> 1]!, epoch)
  const weight = exposureWeight(unpackSignal(item[SIZE.item - 1]!), context.parameters)
  return { route: 'local', id, exposure: { epoch, slot, weight } }
}

/** The slot of the emission: the time under the MAC fixes it, not the uploader's (docs/divergences.md, 12). */
function slotOf(calendar: Calendar, item: Uint8Array, received: NtpSeconds, epoch: Epoch): number {
  const emitted = unfold16(readUint(item, SIZE.ecc + SIZE.ebid, 2), received)
  const into = unixOf(emitted) - epochStart(calendar, epoch)
  const last = Math.min(calendar.epochDuration / SLOT_SECONDS - 1, LAST_SLOT)
  return Math.min(Math.max(Math.floor(into / SLOT_SECONDS), 0), last)
}
