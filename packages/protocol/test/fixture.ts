// One country with one registered user, made with the real code; times are written as UTC text.
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { ascii, concat, type Random, Writer } from '../src/bytes.ts'
import { sha256 } from '../src/crypto/node.ts'
import { CODE, SIZE } from '../src/robert/constants.ts'
import { type ContactContext, idsOf, locateContacts } from '../src/robert/contact.ts'
import { type ContactVerdict, decideContacts, keyTable, verdictOf } from '../src/robert/contact-decision.ts'
import { federationCipher, type PermanentId, type ServerKey, serverKeyOf } from '../src/robert/ebid.ts'
import { buildHello } from '../src/robert/hello.ts'
import { NEW_STATUS, type UserRecord } from '../src/robert/id-table.ts'
import { packItem, packSignal } from '../src/robert/item.ts'
import { makeList } from '../src/robert/list.ts'
import { DEFAULT_PARAMETERS } from '../src/robert/parameters.ts'
import { SPEC } from '../src/robert/profile.ts'
import { buildRequest, locateRequests } from '../src/robert/request.ts'
import { decideRequest, type RequestContext, type RequestDecision } from '../src/robert/request-decision.ts'
import { DEFAULT_RISK_FUNCTION, type Exposure, packExposure } from '../src/robert/risk.ts'
import {
  type Calendar,
  dayOf,
  type Epoch,
  epochAt,
  type NtpSeconds,
  ntpOf,
  type UnixSeconds,
  type UtcDay,
} from '../src/time.ts'

export const unix = (utc: string): UnixSeconds => (Date.parse(utc) / 1000) as UnixSeconds

/** A file of vectors/ of the repository; the caller names the shape that it relies on. */
export const readVectors = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../../vectors/${name}`, import.meta.url), 'utf8'))

const seed = process.env['VICINITY_SEED']

/** Asserts a property; VICINITY_SEED repeats a run. */
export function holds<T>(property: fc.IProperty<T>, numRuns = 200): void {
  fc.assert(property, seed === undefined ? { numRuns } : { numRuns, seed: Number(seed) })
}

/** Random bytes that a name fixes: SHA-256 of the name and a counter. */
export function randomOf(name: string): Random {
  let counter = 0
  return (length) => {
    const blocks = Array.from({ length: Math.ceil(length / 32) }, () =>
      sha256(concat(ascii(name), new Writer(6).uint(6, counter++).bytes)),
    )
    return concat(...blocks).subarray(0, length)
  }
}

export const SERVICE_START = unix('2026-03-01T00:00:00Z')
export const calendar: Calendar = { serviceStart: SERVICE_START, epochDuration: 900 }
export const FRANCE = 33
export const GERMANY = 49

const serverKeys = new Map<UtcDay, ServerKey>()
/** K_S of a day, for every day there is. */
export function serverKeyOfDay(day: UtcDay): ServerKey {
  const known = serverKeys.get(day) ?? serverKeyOf(randomOf(`server key ${day}`)(24))
  serverKeys.set(day, known)
  return known
}

/** The back-end of one country: profile spec, no peers, all server keys. */
export const backEnd: ContactContext & RequestContext = {
  calendar,
  countryCode: FRANCE,
  federation: federationCipher(randomOf('federation key')(32)),
  serverKeyOf: serverKeyOfDay,
  profile: SPEC,
  parameters: DEFAULT_PARAMETERS,
  peers: new Set(),
  riskFunction: DEFAULT_RISK_FUNCTION,
  replyKey: randomOf('reply key')(32),
  drawKey: randomOf('draw key')(32),
  resetKey: randomOf('reset key')(32),
}

/** The back-end with server keys of these days only. */
export const withDays = (...days: readonly UtcDay[]): typeof backEnd => ({
  ...backEnd,
  serverKeyOf: (day) => (days.includes(day) ? serverKeyOfDay(day) : undefined),
})

export const ALICE: UserRecord = {
  id: 0xa11ce,
  authenticationKey: randomOf('authentication key of Alice')(32),
  encryptionKey: randomOf('encryption key of Alice')(32),
  status: NEW_STATUS,
  exposedEpochs: new Uint8Array(0),
}

/** The keys of Alice and nobody else. */
export const keyOfAlice = (id: PermanentId): Uint8Array | undefined =>
  id === ALICE.id ? ALICE.authenticationKey : undefined

/** EBID 8 | ECC 1 of a user for an epoch, as the list holds it. */
export const pairOf = (epoch: number, context = backEnd, id = ALICE.id): Uint8Array =>
  makeList(context, id, epoch as Epoch, 1).pairs

interface Meeting {
  /** When Alice's phone broadcast the HELLO. */
  readonly emitted: UnixSeconds
  /** When the other phone received it; else at once. */
  readonly received?: UnixSeconds
  /** The epoch of the identifier; else that of the emission. */
  readonly epoch?: number
  readonly signal?: number
  readonly context?: typeof backEnd
  readonly user?: { readonly id: PermanentId; readonly authenticationKey: Uint8Array }
}

/** The 21 bytes that a phone uploads after it heard a user, Alice unless said otherwise. */
export function itemOf(meeting: Meeting): Uint8Array {
  const { emitted, received = emitted, context = backEnd, user = ALICE } = meeting
  const epoch = meeting.epoch ?? epochAt(context.calendar, emitted)
  const hello = buildHello(user.authenticationKey, pairOf(epoch, context, user.id), ntpOf(emitted))
  return packItem(hello, ntpOf(received), meeting.signal ?? packSignal({ strengthClass: 10, minutes: 5 }))
}

export const dayAt = (utc: string): UtcDay => dayOf(unix(utc))

export const leeOf = (...exposures: readonly (readonly [epoch: number, slot: number, weight: number])[]): Uint8Array =>
  concat(...exposures.map(([epoch, slot, weight]) => packExposure({ epoch, slot, weight } as Exposure)))

/** The same bytes with one bit turned. */
export function withBitFlipped(bytes: Uint8Array, bit: number): Uint8Array {
  const flipped = Uint8Array.from(bytes)
  flipped[bit >> 3] = flipped[bit >> 3]! ^ (0x80 >> (bit & 7))
  return flipped
}

interface Asked {
  readonly code?: number
  readonly epoch?: number
  readonly ebid?: Uint8Array
  readonly time?: NtpSeconds
  readonly payload?: Uint8Array
  readonly context?: typeof backEnd
  readonly user?: UserRecord
}

/** The 96 bytes of a request that a phone sends at a time: of Alice, for her status, with her current EBID unless said otherwise. */
export function askedBy(at: UnixSeconds, request: Asked = {}): Uint8Array {
  const { code = CODE.status, context = backEnd, user = ALICE, time = ntpOf(at) } = request
  const epoch = (request.epoch ?? epochAt(context.calendar, at)) as Epoch
  const ebid = request.ebid ?? pairOf(epoch, context, user.id).subarray(0, SIZE.ebid)
  const payload = request.payload ?? new Uint8Array(0)
  return buildRequest(context.profile, user.authenticationKey, { code, ebid, epoch, time, payload })
}

/** What the back-end decides for a request, where IDTable holds one user. */
export function decided(
  bytes: Uint8Array,
  user: UserRecord,
  context: RequestContext,
  at: UnixSeconds,
): RequestDecision {
  const located = locateRequests([bytes], context, at)[0]!
  return decideRequest(located, located.located && located.id === user.id ? user : undefined, context, at)
}

export type KeyOf = (id: PermanentId) => Uint8Array | undefined

/** What the back-end decides for items, where `keyOf` is IDTable. Each identifier is asked for once. */
export function judged(items: Uint8Array, context: ContactContext, keyOf: KeyOf, at: UnixSeconds): ContactVerdict[] {
  const located = locateContacts(items, context, at)
  const keys = new Map(
    idsOf(located).flatMap((id) => {
      const key = keyOf(id)
      return key === undefined ? [] : [[id, key] as const]
    }),
  )
  const verdicts = decideContacts(located, keyTable(keys), context, at)
  return Array.from({ length: verdicts.count }, (_, k) => verdictOf(verdicts, k))
}
