// ROBERT §6.2 as it is written, one item at a time: the measure of the batch in src/robert/contact.ts. What the keys do is given in.
import { Buffer } from 'node:buffer'
import { LAST_SLOT, SLOT_SECONDS } from '../../src/robert/constants.ts'
import { CONTACT_REFUSALS, type ContactRefusal } from '../../src/robert/contact.ts'
import type { ContactVerdict } from '../../src/robert/contact-decision.ts'
import { parseHello, timeIsClose } from '../../src/robert/hello.ts'
import { parseItem } from '../../src/robert/item.ts'
import type { Parameters } from '../../src/robert/parameters.ts'
import type { Profile } from '../../src/robert/profile.ts'
import { exposureWeight } from '../../src/robert/risk.ts'
import {
  type Calendar,
  dayOf,
  epochAt,
  epochStart,
  type NtpSeconds,
  neighbourDay,
  ntpOf,
  type UnixSeconds,
  type UtcDay,
  unfold16,
  unfold32,
  unixOf,
} from '../../src/time.ts'

export interface Oracle {
  readonly calendar: Calendar
  readonly profile: Profile
  readonly parameters: Parameters
  readonly countryCode: number
  readonly peers: ReadonlySet<number>
  /** First byte of AES(K_G, EBID | 0^64). */
  readonly stream: (ebid: Uint8Array) => number
  /** The 8 bytes of an EBID under K_S of a day; undefined without one. */
  readonly decrypt: (day: UtcDay, ebid: Uint8Array) => Uint8Array | undefined
  /** K_A of a registered user. */
  readonly keyOf: (id: number) => Uint8Array | undefined
  /** Whether the MAC of a HELLO is that of a key. */
  readonly macFits: (key: Uint8Array, hello: Uint8Array) => boolean
}

/** Steps 1 to 9. */
export function judgeItem(item: Uint8Array, oracle: Oracle, at: UnixSeconds): ContactVerdict {
  // Step 1.
  const parsed = parseItem(item)
  const hello = parseHello(parsed.hello)
  const time = unfold32(parsed.time32, ntpOf(at))
  // Step 2.
  if (!timeIsClose(oracle.profile, hello.time16, time, oracle.parameters.helloTolerance)) {
    return { route: 'refused', reason: 'helloTooFarFromTime' }
  }
  // Step 3.
  const countryCode = hello.ecc ^ oracle.stream(hello.ebid)
  if (countryCode !== oracle.countryCode && oracle.peers.has(countryCode)) return { route: 'foreign', countryCode }
  // Steps 4 to 9, under the key of the day of Time, and less than two epochs from midnight also under that of the other day (footnotes
  // 13 to 16).
  const first = underKey(dayOf(unixOf(time)), item, time, oracle, at)
  const into = ((unixOf(time) % 86_400) + 86_400) % 86_400
  const distance = 2 * oracle.calendar.epochDuration
  if (first.route === 'local' || (into >= distance && into < 86_400 - distance)) return first
  const second = underKey(neighbourDay(unixOf(time)), item, time, oracle, at)
  if (second.route === 'local') return second
  return stepOf(second) > stepOf(first) ? second : first
}

const refuse = (reason: ContactRefusal): ContactVerdict => ({ route: 'refused', reason })
const stepOf = (verdict: ContactVerdict): number =>
  verdict.route === 'refused' ? CONTACT_REFUSALS[verdict.reason] : Number.POSITIVE_INFINITY

function underKey(day: UtcDay, item: Uint8Array, time: NtpSeconds, oracle: Oracle, at: UnixSeconds): ContactVerdict {
  const { calendar, parameters } = oracle
  const { hello: bytes, signal } = parseItem(item)
  const hello = parseHello(bytes)
  // Step 4.
  const block = oracle.decrypt(day, hello.ebid)
  if (block === undefined) return refuse('noServerKey')
  const epoch = Buffer.from(block).readUIntBE(0, 3)
  const id = Buffer.from(block).readUIntBE(3, 5)
  // Step 5.
  const key = oracle.keyOf(id)
  if (key === undefined) return refuse('unknownId')
  // Step 6.
  const received = epochAt(calendar, unixOf(time))
  if (received < 0 || Math.abs(received - epoch) > 1) return refuse('epochMismatch')
  // Steps 7 and 8.
  if (!oracle.macFits(key, bytes)) return refuse('macInvalid')
  // Step 9.
  const now = epochAt(calendar, at)
  const contagious = (parameters.contagiousDays * 24 * 3600) / calendar.epochDuration
  if (now - epoch >= contagious || epoch > now + 1) return refuse('outsideContagiousPeriod')
  const into = unixOf(unfold16(hello.time16, time)) - epochStart(calendar, epoch)
  const last = Math.min(calendar.epochDuration / SLOT_SECONDS - 1, LAST_SLOT)
  const slot = Math.min(Math.max(Math.floor(into / SLOT_SECONDS), 0), last)
  return { route: 'local', id, exposure: { epoch: epoch as never, slot, weight: exposureWeight(signal, parameters) } }
}
