// ROBERT §7 and appendix C: authenticated requests. Steps 1 to 4 find the identifier, the flow reads its entry, steps 5 to 8
// decide. A batch of requests shares one look-up.
import { equalBytes, hmacSha256 } from '#crypto'
import { Reader, readUint, Writer } from '../bytes.ts'
import {
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
import { epochOfBlock, idOfBlock, openEbids, type PermanentId } from './ebid.ts'
import { replyIdOf, type UserRecord, type UserStatus } from './id-table.ts'
import { macIsValid } from './keys.ts'
import type { IdentifierKeys } from './list.ts'
import type { Parameters } from './parameters.ts'
import { type Profile, withinTolerance } from './profile.ts'
import { riskOf } from './risk.ts'

/** The codes that this back-end serves. */
export type RequestCode = typeof CODE.status | typeof CODE.renew | typeof CODE.acknowledge

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
  tooEarly: 8,
} as const
export type RequestRefusal = keyof typeof REQUEST_REFUSALS

/** What is decided for one request. `status` is what IDTable must hold afterwards; undefined leaves it as it is. */
export type RequestDecision =
  | { readonly served: false; readonly reason: RequestRefusal }
  | { readonly served: true; readonly answer: RequestAnswer; readonly status: UserStatus | undefined }

export type RequestAnswer =
  | {
      readonly kind: 'status'
      readonly atRisk: boolean
      readonly newest: Epoch | undefined
      readonly replyId: Uint8Array
    }
  | { readonly kind: 'renew'; readonly first: Epoch }
  | { readonly kind: 'acknowledge' }

export interface RequestContext extends IdentifierKeys {
  readonly profile: Profile
  readonly parameters: Parameters
  /** Derives reply ids. */
  readonly replyKey: Uint8Array
}

/** What the MAC covers: c | EBID | i | Time, and from c = 5 on the payload too (appendix C). */
function macInput(profile: Profile, request: Omit<AuthenticatedRequest, 'mac'>): Uint8Array {
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
    .put(hmacSha256(authenticationKey, macInput(profile, full))).bytes
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

/** A request after step 4: the identifier to look up, or a refusal. */
export type LocatedRequest =
  | { readonly located: false; readonly reason: RequestRefusal }
  | { readonly located: true; readonly request: AuthenticatedRequest; readonly id: PermanentId }

/** Steps 1 to 4 of ROBERT §7. Never throws: whatever the bytes are, the outcome is a refusal or an identifier. */
export function locateRequests(
  requests: readonly Uint8Array[],
  context: RequestContext,
  at: UnixSeconds,
): LocatedRequest[] {
  return requests.map((bytes) => {
    // Step 1.
    if (bytes.length !== SIZE.request) return { located: false, reason: 'malformed' }
    const request = parseRequest(bytes, at)
    if (!SERVED.has(request.code) || request.epoch > LAST_EPOCH || !payloadIsCanonical(request)) {
      return { located: false, reason: 'malformed' }
    }
    // Step 2.
    const distance = Math.abs(request.time - ntpOf(at))
    if (!withinTolerance(context.profile, distance, context.parameters.requestTolerance)) {
      return { located: false, reason: 'clockTooFar' }
    }
    return openRequest(request, context)
  })
}

const SERVED: ReadonlySet<number> = new Set([CODE.status, CODE.renew, CODE.acknowledge])

/** What the MAC does not cover must be zero, so that a request has one form only. */
function payloadIsCanonical(request: AuthenticatedRequest): boolean {
  const used = { [CODE.status]: 0, [CODE.renew]: 4, [CODE.acknowledge]: SIZE.replyId }[request.code as RequestCode]
  return request.payload.subarray(used).every((byte) => byte === 0)
}

/** Steps 3 and 4: K_S by the clear epoch; the neighbour day's is tried as well, so that every request costs two trials. */
function openRequest(request: AuthenticatedRequest, context: RequestContext): LocatedRequest {
  const day = dayOfEpoch(context.calendar, request.epoch)
  const days = [day, neighbourDay(epochStart(context.calendar, request.epoch))]
  const ids = days.map((tried) => {
    const block = Uint8Array.from(request.ebid) // `slice` of a Buffer is no copy
    const key = context.serverKeyOf(tried)
    if (key === undefined) return undefined
    openEbids(key, block)
    return { epoch: epochOfBlock(block, 0), id: idOfBlock(block, 0) }
  })
  // Step 3.
  if (ids.every((opened) => opened === undefined)) return { located: false, reason: 'noServerKey' }
  // Step 4.
  const match = ids.find((opened) => opened?.epoch === request.epoch)
  if (match === undefined) return { located: false, reason: 'epochMismatch' }
  return { located: true, request, id: match.id }
}

/** Steps 5 to 8 of ROBERT §7 for one request whose entry was read. */
export function decideRequest(
  located: LocatedRequest,
  user: UserRecord | undefined,
  context: RequestContext,
  at: UnixSeconds,
): RequestDecision {
  if (!located.located) return { served: false, reason: located.reason }
  // Step 5.
  if (user === undefined) return { served: false, reason: 'unknownId' }
  // Step 6.
  const { request } = located
  if (!macIsValid(user.authenticationKey, macInput(context.profile, request), request.mac)) {
    return { served: false, reason: 'macInvalid' }
  }
  if (request.code === CODE.renew) {
    return {
      served: true,
      answer: { kind: 'renew', first: readUint(request.payload, 0, 4) as Epoch },
      status: undefined,
    }
  }
  if (request.code === CODE.acknowledge) return decideAcknowledgement(request, user, context)
  return decideStatus(request, user, context, epochAt(context.calendar, at))
}

/** ROBERT §7 "AppA replies with an ACK": only the pending warning of this very episode becomes acknowledged. */
function decideAcknowledgement(
  request: AuthenticatedRequest,
  user: UserRecord,
  context: RequestContext,
): RequestDecision {
  const { status } = user
  const replyId = request.payload.subarray(0, SIZE.replyId)
  const fits = equalBytes(replyId, replyIdOf(context.replyKey, user.id, status.warnedThrough))
  const settles = status.notified === 'pending' && fits
  const answer = { kind: 'acknowledge' } as const
  return { served: true, answer, status: settles ? { ...status, notified: 'acknowledged' } : undefined }
}

/** Steps 7 and 8 of ROBERT §7, and the server's processing after them. */
function decideStatus(
  request: AuthenticatedRequest,
  user: UserRecord,
  context: RequestContext,
  now: Epoch,
): RequestDecision {
  const { status } = user
  const tag = request.mac.subarray(0, SIZE.requestTag)
  // Step 7: "1" is answered until it was acknowledged (docs/divergences.md, 6).
  if (status.notified === 'acknowledged') return { served: false, reason: 'alreadyNotified' }
  if (status.notified === 'pending') return statusAnswer(user, context, status.warnedThrough, undefined)
  // Step 8; the same request again gets the same decision (docs/divergences.md, 15).
  const { lastStatusRequestEpoch } = status
  if (lastStatusRequestEpoch !== undefined) {
    if (equalBytes(tag, status.lastRequestTag)) return statusAnswer(user, context, undefined, undefined)
    if (now - lastStatusRequestEpoch < context.parameters.statusGap) return { served: false, reason: 'tooEarly' }
  }
  const risk = riskOf(user.exposedEpochs, now, status.warnedThrough ?? -1, context.calendar, context.parameters)
  const decided = { lastStatusRequestEpoch: now, lastRequestTag: tag }
  if (!risk.atRisk) return statusAnswer(user, context, undefined, { ...status, ...decided })
  const warned = { ...decided, notified: 'pending', warnedThrough: risk.newest } as const
  return statusAnswer(user, context, risk.newest, warned)
}

function statusAnswer(
  user: UserRecord,
  context: RequestContext,
  newest: Epoch | undefined,
  status: UserStatus | undefined,
): RequestDecision {
  const replyId = replyIdOf(context.replyKey, user.id, newest)
  return { served: true, answer: { kind: 'status', atRisk: newest !== undefined, newest, replyId }, status }
}
