// ROBERT §7 and appendix C: what becomes of an authenticated request. A refusal is the number of the step that refuses.
import { daysToTry, type Refused, type User } from './contact.ts'
import { cut, type Hex, head, hmac, label, number } from './hex.ts'
import { openEbid, type Profile, requestMacInput } from './messages.ts'
import { epochAt, epochStart, epochsIn, fits24, type Service, unfold } from './time.ts'

/** Bytes of the payload that each c uses; the others are zero. */
const USED: Readonly<Record<number, number>> = { 2: 0, 3: 0, 4: 0, 5: 4, 6: 8, 7: 36 }

export interface Asker extends User {
  readonly notified: 'none' | 'pending' | 'acknowledged'
  /** SRE. */
  readonly lastStatusRequestEpoch: number | null
  /** The first 8 bytes of the MAC of the last status request that was decided. */
  readonly lastRequestTag: Hex | null
  /** Epoch of the newest exposure that warned. */
  readonly warnedThrough: number | null
}

export interface RequestInput {
  readonly profile: Profile
  readonly service: Service
  readonly now: bigint
  readonly tolerance: bigint
  readonly statusGap: bigint
  readonly notifiedDays: bigint
  readonly contagiousDays: bigint
  readonly resetKey: Hex
  readonly serverKeys: Readonly<Record<string, Hex>>
  readonly users: readonly Asker[]
}

export type RequestVerdict = Refused | { readonly served: { readonly c: number; readonly id: Hex } }

export function judgeRequest(request: Hex, input: RequestInput): RequestVerdict {
  const fields = cut(request, 1, 8, 4, 4, 47, 32)
  if (fields === undefined) return { refused: 1 }
  const [code, ebid, epochField, timeField, payload, mac] = fields as [Hex, Hex, Hex, Hex, Hex, Hex]
  const c = number(code)
  const epoch = BigInt(`0x${epochField}`)
  const used = USED[c]
  if (used === undefined || /[^0]/.test(payload.slice(2 * used)) || !fits24(epoch)) return { refused: 1 }
  const time = unfold(32, BigInt(`0x${timeField}`), input.now)
  const apart = time > input.now ? time - input.now : input.now - time
  if (input.profile === 'tac' ? apart > input.tolerance : apart >= input.tolerance) return { refused: 2 }
  const keys = daysToTry(epochStart(input.service, epoch)).flatMap((day) => input.serverKeys[`${day}`] ?? [])
  if (keys.length === 0) return { refused: 3 }
  const opened = keys.map((key) => openEbid(key, ebid)).find((block) => BigInt(block.epoch) === epoch)
  if (opened === undefined) return { refused: 4 }
  const user = input.users.find((known) => known.id === opened.id)
  if (user === undefined) return { refused: 5 }
  const macInput = requestMacInput(input.profile, { c, ebid, epoch: opened.epoch, time, payload })
  if (hmac(user.authenticationKey, macInput) !== mac) return { refused: 6 }
  const refused =
    c === 2 ? refuseStatus(user, head(mac, 8), input) : c === 7 && !resets(head(payload, 36), input) ? 7 : undefined
  return refused === undefined ? { served: { c, id: user.id } } : { refused }
}

/** Steps 7 and 8: a pending "1" is told again, an acknowledged one silences until it ends; a repeated request is answered. */
function refuseStatus(user: Asker, tag: Hex, input: RequestInput): number | undefined {
  const now = epochAt(input.service, input.now)
  const ends = BigInt(user.warnedThrough ?? 0) + epochsIn(input.service, input.notifiedDays)
  if (user.notified === 'acknowledged' && now < ends) return 7
  if (user.notified === 'pending' || user.lastStatusRequestEpoch === null || user.lastRequestTag === tag)
    return undefined
  return now - BigInt(user.lastStatusRequestEpoch) >= input.statusGap ? undefined : 8
}

/** A negative test that is genuine, not of the future, of this service and less than CT old. */
function resets(token: Hex, input: RequestInput): boolean {
  const body = head(token, 20)
  const tested = unfold(32, BigInt(`0x${body.slice(32)}`), input.now)
  const genuine = head(hmac(input.resetKey, label('negative test') + body), 16) === token.slice(40)
  const fresh = tested <= input.now && input.now - tested < input.contagiousDays * 86_400n
  return genuine && fresh && epochAt(input.service, tested) >= 0n
}
