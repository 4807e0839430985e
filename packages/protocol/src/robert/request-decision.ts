// Steps 5 to 8 of ROBERT §7, and what appendix C puts in the place of 7 and 8 for the other kinds of requests.
import { equalBytes } from '#crypto'
import { readUint } from '../bytes.ts'
import { type Epoch, epochAt, epochsIn, type UnixSeconds, type UtcDay } from '../time.ts'
import { drawnExposure } from './appendix-a.ts'
import { CODE, SIZE } from './constants.ts'
import { NEW_STATUS, replyIdOf, type UserRecord, type UserStatus } from './id-table.ts'
import { macIsValid } from './keys.ts'
import type { AuthenticatedRequest, LocateContext, LocatedRequest, RequestCode, RequestRefusal } from './request.ts'
import { requestMacInput } from './request.ts'
import { type CheckedReset, checkResetToken, RESET_TOKEN } from './reset.ts'
import { type RiskFunctionName, riskOf } from './risk.ts'

export interface RequestContext extends LocateContext {
  readonly riskFunction: RiskFunctionName
  /** Derives reply ids. */
  readonly replyKey: Uint8Array
  /** Draws the false alarms of appendix A. */
  readonly drawKey: Uint8Array
  /** Verifies tokens of negative tests. */
  readonly resetKey: Uint8Array
}

/** What is decided for one request, and what the store must hold afterwards. */
export type RequestDecision = RefusedRequest | ServedRequest
export interface RefusedRequest {
  readonly served: false
  readonly reason: RequestRefusal
}
export interface ServedRequest {
  readonly served: true
  readonly answer: RequestAnswer
  /** Undefined leaves the status as it is. */
  readonly status?: UserStatus | undefined
  /** The entry goes altogether (c = 3). */
  readonly removed?: true
  /** LEE is emptied (c = 4). */
  readonly cleared?: true
  /** Served only if this is spent now, for the first time (c = 7). */
  readonly spend?: { readonly day: UtcDay; readonly spentKey: Uint8Array }
}

export type RequestAnswer =
  | {
      readonly kind: 'status'
      readonly atRisk: boolean
      readonly newest: Epoch | undefined
      readonly replyId: Uint8Array
    }
  | { readonly kind: 'renew'; readonly first: Epoch }
  | { readonly kind: 'unregister' | 'deleteHistory' | 'acknowledge' | 'reset' }

const refuse = (reason: RequestRefusal): RefusedRequest => ({ served: false, reason })

/** Takes the place of an entry that is not there. */
const NO_USER: UserRecord = {
  id: 0,
  authenticationKey: new Uint8Array(SIZE.key),
  encryptionKey: new Uint8Array(SIZE.key),
  status: NEW_STATUS,
  exposedEpochs: new Uint8Array(0),
}

/**
 * Steps 5 to 8 of ROBERT §7 for one request whose entry was read. All is computed for every request, for a stand-in where there is
 * no entry, and only then chosen from: the time it takes does not tell which step refuses (docs/decisions/0015-constant-reply.md).
 * `standIn`: the best is one that was read and opened like an entry.
 */
export function decideRequest(
  located: LocatedRequest,
  user: UserRecord | undefined,
  context: RequestContext,
  at: UnixSeconds,
  standIn: UserRecord = NO_USER,
): RequestDecision {
  const { request } = located
  const known = user ?? standIn
  const input = requestMacInput(context.profile, request)
  const isGenuine = macIsValid(known.authenticationKey, input, request.mac)
  const operation = OPERATIONS[request.code as RequestCode] ?? decideStatus
  const decision = operation(request, known, findingsFor(request, known, context, at), context)
  if (!located.located) return refuse(located.reason)
  // Step 5.
  if (user === undefined) return refuse('unknownId')
  // Step 6.
  if (!isGenuine) return refuse('macInvalid')
  return decision
}

/** What costs time about a decision: the same for every kind of request. */
interface Findings {
  readonly now: Epoch
  /** The exposure that puts the user at risk. */
  readonly newest: Epoch | undefined
  readonly reset: CheckedReset | undefined
  readonly idOfPending: Uint8Array
  readonly idOfNone: Uint8Array
  readonly idOfNewest: Uint8Array
}

function findingsFor(
  request: AuthenticatedRequest,
  user: UserRecord,
  context: RequestContext,
  at: UnixSeconds,
): Findings {
  const now = epochAt(context.calendar, at)
  const newest = newestExposure(user, now, context)
  const token = request.payload.subarray(0, RESET_TOKEN)
  return {
    now,
    newest,
    reset: checkResetToken(context.resetKey, token, at, context.parameters.contagiousDays),
    idOfPending: replyIdOf(context.replyKey, user.id, user.status.warnedThrough),
    idOfNone: replyIdOf(context.replyKey, user.id, undefined),
    idOfNewest: replyIdOf(context.replyKey, user.id, newest),
  }
}

type Operation = (
  request: AuthenticatedRequest,
  user: UserRecord,
  findings: Findings,
  context: RequestContext,
) => RequestDecision

/** "In following steps the operations specific to the request are implemented" (appendix C). */
const OPERATIONS: Readonly<Record<RequestCode, Operation>> = {
  [CODE.status]: decideStatus,
  [CODE.unregister]: () => ({ served: true, answer: { kind: 'unregister' }, removed: true }),
  // A pending warning stays: what is erased is the reason for it, not the warning.
  [CODE.deleteHistory]: () => ({ served: true, answer: { kind: 'deleteHistory' }, cleared: true }),
  [CODE.renew]: (request) => ({
    served: true,
    answer: { kind: 'renew', first: readUint(request.payload, 0, 4) as Epoch },
  }),
  [CODE.acknowledge]: decideAcknowledgement,
  [CODE.reset]: decideReset,
}

/** ROBERT §7 "AppA replies with an ACK": only the pending warning of this very episode becomes acknowledged. */
function decideAcknowledgement(
  request: AuthenticatedRequest,
  { status }: UserRecord,
  { idOfPending }: Findings,
): RequestDecision {
  const fits = equalBytes(request.payload.subarray(0, SIZE.replyId), idOfPending)
  const settles = status.notified === 'pending' && fits
  const answer = { kind: 'acknowledge' } as const
  return { served: true, answer, status: settles ? { ...status, notified: 'acknowledged' } : undefined }
}

/** A negative test: the warning ends, and exposures up to the test no longer count, also those that arrive later. */
function decideReset(
  _request: AuthenticatedRequest,
  { status }: UserRecord,
  { reset }: Findings,
  context: RequestContext,
): RequestDecision {
  const tested = reset && epochAt(context.calendar, reset.testedAt)
  if (reset === undefined || tested === undefined || tested < 0) return refuse('resetInvalid')
  const answer = { kind: 'reset' } as const
  // The same reset again, because its reply was lost.
  if (status.notified === 'none' && status.warnedThrough === tested) return { served: true, answer }
  return { served: true, answer, status: { ...status, notified: 'none', warnedThrough: tested }, spend: reset }
}

/** An acknowledged warning ends some days after its newest exposure: nobody is lost for life (docs/divergences.md, 24). */
function hasEnded(status: UserStatus, now: Epoch, context: RequestContext): boolean {
  const { calendar, parameters } = context
  const newest = status.warnedThrough ?? 0
  return status.notified === 'acknowledged' && now - newest >= epochsIn(calendar, parameters.notifiedDays)
}

/** Steps 7 and 8 of ROBERT §7, and the server's processing after them. */
function decideStatus(
  request: AuthenticatedRequest,
  { status }: UserRecord,
  { now, newest, idOfPending, idOfNone, idOfNewest }: Findings,
  context: RequestContext,
): RequestDecision {
  const tag = request.mac.subarray(0, SIZE.requestTag)
  const isRepeated = equalBytes(tag, status.lastRequestTag)
  // Every answer is made, and one of them given.
  const decided = askedStatus('none', now, status.warnedThrough, tag)
  const warned = askedStatus('pending', now, newest, tag)
  const pending = statusAnswer(status.warnedThrough, idOfPending, undefined)
  const repeated = statusAnswer(undefined, idOfNone, undefined)
  const zero = statusAnswer(undefined, idOfNone, decided)
  const one = statusAnswer(newest, idOfNewest, warned)
  // Step 7: "1" is answered until it was acknowledged (docs/divergences.md, 6).
  if (status.notified === 'acknowledged' && !hasEnded(status, now, context)) return refuse('alreadyNotified')
  if (status.notified === 'pending') return pending
  // Step 8; the same request again gets the same decision (docs/divergences.md, 15).
  const last = status.lastStatusRequestEpoch
  if (last !== undefined) {
    if (isRepeated) return repeated
    // A mark of the future was left by a clock that ran ahead: it must not silence anybody. One epoch is a corrected clock.
    if (now - last >= -1 && now - last < context.parameters.statusGap) return refuse('tooEarly')
  }
  return newest === undefined ? zero : one
}

/** Field by field, as a status is read: copies of other objects have other forms, and are slower to use where forms mix. */
const askedStatus = (
  notified: UserStatus['notified'],
  lastStatusRequestEpoch: Epoch,
  warnedThrough: Epoch | undefined,
  lastRequestTag: Uint8Array,
): UserStatus => ({ notified, lastStatusRequestEpoch, warnedThrough, lastRequestTag })

/** The exposure that puts the user at risk: a real one before a drawn one. */
function newestExposure(user: UserRecord, now: Epoch, context: RequestContext): Epoch | undefined {
  const after = user.status.warnedThrough ?? -1
  const risk = riskOf(context.riskFunction, user.exposedEpochs, now, after, context.calendar, context.parameters)
  const drawn = drawnExposure(context, user.id, now, after)
  return risk.atRisk ? risk.newest : drawn
}

const statusAnswer = (
  newest: Epoch | undefined,
  replyId: Uint8Array,
  status: UserStatus | undefined,
): ServedRequest => ({
  served: true,
  answer: { kind: 'status', atRisk: newest !== undefined, newest, replyId },
  status,
})
