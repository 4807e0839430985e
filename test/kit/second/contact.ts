// ROBERT §6.2: what becomes of an uploaded item. A refusal is the number of the step that refuses.
import { cut, type Hex } from './hex.ts'
import { eccOf, helloMac, openEbid } from './messages.ts'
import { SLOT, weightOf } from './signal.ts'
import { epochAt, epochStart, epochsIn, near16, type Service, secondOfDay, unfold, utcDay } from './time.ts'

const HALF_DAY = 43_200n

export interface User {
  readonly id: Hex
  readonly authenticationKey: Hex
}

export interface ContactInput {
  readonly service: Service
  readonly now: bigint
  readonly tolerance: bigint
  readonly inclusive: boolean
  readonly contagiousDays: bigint
  readonly countryCode: Hex
  readonly peers: readonly Hex[]
  readonly federationKey: Hex
  /** K_S by UTC day. */
  readonly serverKeys: Readonly<Record<string, Hex>>
  readonly users: readonly User[]
}

export type Accepted = { readonly epoch: number; readonly slot: number; readonly weight: number; readonly id: Hex }
export type Refused = { readonly refused: number }
export type ContactVerdict = Refused | { readonly accepted: Accepted } | { readonly forwarded: Hex }

/** The day of a time, and the one whose midnight is closer. */
export const daysToTry = (time: bigint): readonly [bigint, bigint] => {
  const day = utcDay(time)
  return [day, secondOfDay(time) < HALF_DAY ? day - 1n : day + 1n]
}

/** The other day counts from two epochs before a midnight until two epochs after it (footnote 13). */
function daysForItem(time: bigint, { epochDuration }: Service): readonly bigint[] {
  // Two epochs later it is the first four epochs of a day.
  const near = secondOfDay(time + 2n * epochDuration) < 4n * epochDuration
  return daysToTry(time).slice(0, near ? 2 : 1)
}

export function judgeContact(item: Hex, input: ContactInput): ContactVerdict {
  const fields = cut(item, 1, 8, 2, 5, 4, 1)
  if (fields === undefined) return { refused: 1 }
  const [ecc, ebid, time16, mac, time32, signal] = fields as [Hex, Hex, Hex, Hex, Hex, Hex]
  const time = unfold(32, BigInt(`0x${time32}`), input.now)
  const sent = BigInt(`0x${time16}`)
  if (!near16(sent, BigInt.asUintN(16, time), input.tolerance, input.inclusive)) return { refused: 2 }
  const country = eccOf(input.federationKey, ebid, ecc)
  if (country !== input.countryCode && input.peers.includes(country)) return { forwarded: country }
  const hello = { message: ecc + ebid + time16, ebid, mac, time, sent, signal }
  const verdicts = daysForItem(time, input.service).map((day) => judgeUnder(input.serverKeys[`${day}`], hello, input))
  const accepted = verdicts.find((verdict) => 'accepted' in verdict)
  return accepted ?? { refused: Math.max(...verdicts.map((verdict) => (verdict as Refused).refused)) }
}

interface Heard {
  readonly message: Hex
  readonly ebid: Hex
  readonly mac: Hex
  readonly time: bigint
  readonly sent: bigint
  readonly signal: Hex
}

/** Steps 4 to 9 under one server key. */
function judgeUnder(serverKey: Hex | undefined, heard: Heard, input: ContactInput): ContactVerdict {
  if (serverKey === undefined) return { refused: 4 }
  const { epoch, id } = openEbid(serverKey, heard.ebid)
  const user = input.users.find((known) => known.id === id)
  if (user === undefined) return { refused: 5 }
  const received = epochAt(input.service, heard.time)
  const apart = received - BigInt(epoch)
  if (received < 0n || apart > 1n || apart < -1n) return { refused: 6 }
  if (helloMac(user.authenticationKey, heard.message) !== heard.mac) return { refused: 8 }
  const age = epochAt(input.service, input.now) - BigInt(epoch)
  if (age >= epochsIn(input.service, input.contagiousDays) || age < -1n) return { refused: 9 }
  return { accepted: { epoch, slot: slotOf(epoch, heard, input.service), weight: weightOf(heard.signal), id } }
}

/** The slot of the time under the MAC; a HELLO sent just outside its epoch belongs to the nearest slot of the epoch. */
function slotOf(epoch: number, heard: Heard, service: Service): number {
  const into = unfold(16, heard.sent, heard.time) - epochStart(service, BigInt(epoch))
  const last = service.epochDuration / SLOT - 1n
  const slot = into < 0n ? 0n : into / SLOT
  return Number(slot > last ? last : slot)
}
