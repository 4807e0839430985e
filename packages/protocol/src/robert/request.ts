// ROBERT §7 and appendix C: authenticated requests, and steps 1 to 4 of their processing, which find the identifier. The flow reads
// its entry, one look-up for a batch; steps 5 to 8 stand in `request-decision.ts`.
import { hmacSha256 } from '#crypto'
import { Reader, readUint, Writer, writeUint } from '../bytes.ts'
import {
  dayOf,
  dayOfEpoch,
  type Epoch,
  epochAt,
  epochStart,
  LAST_EPOCH,
  type NtpSeconds,
  neighbourDay,
  ntpOf,
  time32,
  type UnixSeconds,
  unfold32,
} from '../time.ts'
import { CODE, SIZE } from './constants.ts'
import { epochOfBlock, idOfBlock, openEbids, type PermanentId, type ServerKey, serverKeyOf } from './ebid.ts'
import type { IdentifierKeys } from './list.ts'
import type { Parameters } from './parameters.ts'
import { type Profile, withinTolerance } from './profile.ts'
import { RESET_TOKEN } from './reset.ts'

/** The codes of authenticated requests. */
export type RequestCode = Exclude<(typeof CODE)[keyof typeof CODE], typeof CODE.hello>

/** How many bytes of the payload each code uses. */
const PAYLOAD: Readonly<Record<RequestCode, number>> = {
  [CODE.status]: 0,
  [CODE.unregister]: 0,
  [CODE.deleteHistory]: 0,
  [CODE.renew]: 4,
  [CODE.acknowledge]: SIZE.replyId,
  [CODE.reset]: RESET_TOKEN,
}

/** A parsed request: c 1 | EBID 8 | epoch 4 | Time 4 | payload 47 | MAC 32. */
export interface AuthenticatedRequest {
  readonly code: number
  readonly ebid: Uint8Array
  readonly epoch: Epoch
  readonly time: NtpSeconds
  readonly payload: Uint8Array
  readonly mac: Uint8Array
}

/** Why a request is refused, with the step of ROBERT §7 that refuses it. The sender never learns which. */
export const REQUEST_REFUSALS = {
  malformed: 1,
  clockTooFar: 2,
  noServerKey: 3,
  epochMismatch: 4,
  unknownId: 5,
  macInvalid: 6,
  alreadyNotified: 7,
  resetInvalid: 7,
  tooEarly: 8,
} as const
export type RequestRefusal = keyof typeof REQUEST_REFUSALS

/** What the back-end knows when it looks for the sender of a request. */
export interface LocateContext extends IdentifierKeys {
  readonly profile: Profile
  readonly parameters: Parameters
}

/** What the MAC covers: c | EBID | i | Time, and from c = 5 on the payload too (appendix C). */
export function requestMacInput(profile: Profile, request: Omit<AuthenticatedRequest, 'mac'>): Uint8Array {
  const payload = request.code >= CODE.renew ? request.payload : request.payload.subarray(0, 0)
  return new Writer(1 + SIZE.ebid + profile.epochBytes + 4 + payload.length)
    .uint(1, request.code)
    .put(request.ebid)
    .uint(profile.epochBytes, request.epoch)
    .uint(4, time32(request.time))
    .put(payload).bytes
}

/** Builds the 96 bytes of a request. `payload` is at most 47 bytes; what is missing is zero. */
export function buildRequest(
  profile: Profile,
  authenticationKey: Uint8Array,
  request: Omit<AuthenticatedRequest, 'mac'>,
): Uint8Array {
  const full = { ...request, payload: new Writer(SIZE.requestPayload).put(request.payload).bytes }
  return new Writer(SIZE.request)
    .uint(1, full.code)
    .put(full.ebid)
    .uint(4, full.epoch)
    .uint(4, time32(full.time))
    .put(full.payload)
    .put(hmacSha256(authenticationKey, requestMacInput(profile, full))).bytes
}

/** ROBERT §7 step 1. Throws `Malformed` for another length than 96 bytes. */
export function parseRequest(bytes: Uint8Array, at: UnixSeconds): AuthenticatedRequest {
  const reader = new Reader(bytes, SIZE.request, 'request')
  return {
    code: reader.uint(1),
    ebid: reader.take(SIZE.ebid),
    epoch: reader.uint(4) as Epoch,
    time: unfold32(reader.uint(4), ntpOf(at)),
    payload: reader.take(SIZE.requestPayload),
    mac: reader.take(SIZE.requestMac),
  }
}

/** Payload of `renew`: the first epoch wanted. */
export const renewPayload = (first: Epoch): Uint8Array => new Writer(4).uint(4, first).bytes

/** A request after step 4: located, or refused. Then too there is an id to look up, and `request` may be a stand-in. */
export type LocatedRequest = { readonly request: AuthenticatedRequest; readonly id: PermanentId } & (
  | { readonly located: true }
  | { readonly located: false; readonly reason: RequestRefusal }
)

/** As long as a request, whatever came. What cannot be read becomes a status request of now, of whoever its bytes are taken to name. */
function readable(bytes: Uint8Array, context: LocateContext, at: UnixSeconds) {
  const copy = new Uint8Array(SIZE.request)
  copy.set(bytes.subarray(0, SIZE.request))
  const epoch = readUint(copy, EPOCH_OFFSET, 4)
  const now = Math.min(Math.max(epochAt(context.calendar, at), 0), LAST_EPOCH)
  const isRead = Number(bytes.length === SIZE.request) & Number(epoch <= LAST_EPOCH)
  // Without branches, which would be guessed right for what can be read.
  const either = (read: number, instead: number) => isRead * read + (1 - isRead) * instead
  writeUint(copy, 0, 1, either(copy[0]!, CODE.status))
  writeUint(copy, EPOCH_OFFSET, 4, either(epoch, now))
  writeUint(copy, EPOCH_OFFSET + 4, 4, either(readUint(copy, EPOCH_OFFSET + 4, 4), time32(ntpOf(at))))
  return { copy, isRead: isRead === 1 }
}

/**
 * Steps 1 to 4 of ROBERT §7. Never throws: whatever the bytes are, the outcome is a refusal or an identifier. Every request goes
 * through every step, so that the time it takes does not tell which of them refuses.
 */
export function locateRequests(
  requests: readonly Uint8Array[],
  context: LocateContext,
  at: UnixSeconds,
): LocatedRequest[] {
  return requests.map((bytes) => {
    // Step 1.
    const { copy, isRead } = readable(bytes, context, at)
    const request = parseRequest(copy, at)
    const isCanon = isCanonical(request)
    // Step 2.
    const distance = Math.abs(request.time - ntpOf(at))
    const isClose = withinTolerance(context.profile, distance, context.parameters.requestTolerance)
    const { id, refused } = openRequest(request, context, at)
    const reason = !isRead || !isCanon ? 'malformed' : !isClose ? 'clockTooFar' : refused
    return { request, id, located: reason === undefined, reason } as LocatedRequest
  })
}

/** Where the clear epoch stands. */
const EPOCH_OFFSET = 1 + SIZE.ebid

/** What a request does not use of its payload must be zero, so that a request has one form only. */
function isCanonical(request: AuthenticatedRequest): boolean {
  const used = PAYLOAD[request.code as RequestCode] as number | undefined
  let set = 0
  for (let k = 0; k < request.payload.length; k++) set |= k < (used ?? 0) ? 0 : request.payload[k]!
  return used !== undefined && set === 0
}

/** Takes the place of a K_S that does not exist; made when it is needed first. */
let standIn: ServerKey | undefined

/** Steps 3 and 4: K_S by the clear epoch; the neighbour day's is tried as well, so that every request costs two trials. */
function openRequest(
  request: AuthenticatedRequest,
  context: LocateContext,
  at: UnixSeconds,
): { readonly id: PermanentId; readonly refused: RequestRefusal | undefined } {
  const day = dayOfEpoch(context.calendar, request.epoch)
  const days = [day, neighbourDay(epochStart(context.calendar, request.epoch))]
  standIn ??= serverKeyOf(new Uint8Array(SIZE.serverKey))
  // The key of today, mostly: it is at hand as quickly as those of other requests.
  const instead = context.serverKeyOf(dayOf(at)) ?? standIn
  const trials = days.map((tried) => {
    const block = Uint8Array.from(request.ebid)
    const key = context.serverKeyOf(tried)
    openEbids(key ?? instead, block)
    return {
      hasKey: key !== undefined,
      isMatch: key !== undefined && epochOfBlock(block, 0) === request.epoch,
      id: idOfBlock(block, 0),
    }
  })
  const [first, second] = trials as [(typeof trials)[0], (typeof trials)[0]]
  const { id } = second.isMatch && !first.isMatch ? second : first
  // Steps 3 and 4.
  const refused =
    !first.hasKey && !second.hasKey ? 'noServerKey' : !first.isMatch && !second.isMatch ? 'epochMismatch' : undefined
  return { id, refused }
}
