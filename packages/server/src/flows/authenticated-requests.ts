import { dayOf, dayOfEpoch, type Epoch, epochAt, firstEpochOfDay, ntpOf, type UnixSeconds } from '@vicinity/protocol'
import {
  CODE,
  constantReply,
  decideRequest,
  type IdentifierList,
  lastDayOfBundle,
  locateRequests,
  makeLists,
  NEW_STATUS,
  type PermanentId,
  REPLY_PAIRS,
  REQUEST_REFUSALS,
  type RequestAnswer,
  type RequestDecision,
  type RequestRefusal,
  type ServedRequest,
  SIZE,
  sealReply,
  type UserRecord,
  type UserStatus,
  type WantedList,
} from '@vicinity/protocol/robert'
import { type Deps, unlessAltered } from '../deps.ts'
import { NOBODY_LEFT } from '../store/departures.ts'
import { NOBODY, NOTHING_SPENT, type StatusChange, type StoredUser, type Transaction } from '../store/store.ts'
import { nextPoll } from './next-poll.ts'

/**
 * Every authenticated request: ROBERT §7 and appendix C, for a batch. Each gets 922 bytes: a reply sealed for its user, or,
 * whatever went wrong, random bytes. Statements, keys that are opened, identifiers and seals are as many for every outcome, made for
 * nobody where there is nobody to make them for (docs/decisions/0015-constant-reply.md).
 */
export async function authenticatedRequests(
  deps: Deps,
  requests: readonly Uint8Array[],
  at: UnixSeconds,
): Promise<Uint8Array[]> {
  const located = locateRequests(requests, deps.robert, at)
  const firsts = firstOfEach(requests)
  const { judged, marks } = await deps.store.transaction(async (tx) => {
    const nearest = await tx.nearestUsers(located.map(({ id }) => id))
    const seen: Seen = { changing: new Set(), staying: new Set() }
    const decisions = located.map((request, k) => {
      const row = nearest[k] ?? deps.nobody
      const opened = openUser(deps, row)
      const user = row.id === request.id && row !== deps.nobody ? opened : undefined
      const decision = decideRequest(request, user, deps.robert, at, opened)
      const judged = { user, read: row.id, decision }
      return firsts[k] === k ? firstChange(seen, judged) : { ...judged, decision: TOO_EARLY }
    })
    const applied = await applyDecisions(deps, tx, decisions)
    const left = marksOfLeaving(deps, applied)
    await tx.noteDepartures(left)
    return { judged: firsts.map((first) => applied[first]!), marks: left }
  })
  // Whoever is told that he left has left every backup too.
  await deps.tombstones.record(marks)
  const lists = makeLists(
    deps.robert,
    judged.map((one) => identifiersFor(deps, one, at)),
  )
  const nobodysKey = openUser(deps, deps.nobody)!.encryptionKey
  return judged.map(({ user, decision }, k) => replyTo(deps, user, decision, lists[k]!, nobodysKey, at))
}

/** Where the same bytes stand first in the batch: who sends them twice gets one decision twice (docs/divergences.md, 15). */
function firstOfEach(requests: readonly Uint8Array[]): readonly number[] {
  const seen = new Map<string, number>()
  return requests.map((bytes, k) => {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
    const first = seen.get(text) ?? k
    seen.set(text, first)
    return first
  })
}

interface Judged {
  readonly user: UserRecord | undefined
  /** Whose row was read: that of the user, or another where there is none. */
  readonly read: PermanentId
  readonly decision: RequestDecision
}

/**
 * Opens both keys of a user. A row that was altered is nobody's: its owner gets the constant reply like everybody else, and it is
 * counted.
 */
const openUser = (deps: Deps, user: StoredUser): UserRecord | undefined =>
  unlessAltered(deps, 'store.userAltered', () => {
    const authenticationKey = deps.open('authentication', user.id, user.authenticationKey)
    const encryptionKey = deps.open('encryption', user.id, user.encryptionKey)
    return { ...user, authenticationKey, encryptionKey }
  })[0]

/** Every verb runs for every request, for nobody where it has nothing to do: the statements tell no outcome from another. */
async function applyDecisions(deps: Deps, tx: Transaction, decisions: readonly Judged[]): Promise<Judged[]> {
  const tokens = decisions.map(({ decision }) => (decision.served ? decision.spend : undefined) ?? NOTHING_SPENT)
  const fresh = await tx.spendTokens(tokens)
  const spent = decisions.map(({ user, read, decision }, k): Judged => {
    const fails = decision.served && decision.spend !== undefined && fresh[k] !== true
    return { user, read, decision: fails ? { served: false, reason: 'resetInvalid' } : decision }
  })
  const changed = await tx.changeStatuses(spent.map((judged) => changeOf(deps, judged)))
  const settled = spent.map((judged) => settle(judged, changed))
  const idsWhere = (isMeant: (decision: ServedRequest) => true | undefined) =>
    settled.map(({ user, decision }) => (user !== undefined && decision.served && isMeant(decision) ? user.id : NOBODY))
  await tx.clearExposures(idsWhere((decision) => decision.cleared))
  await tx.removeUsers(idsWhere((decision) => decision.removed))
  return settled
}

/** A mark for each request is made, and that of who leaves is taken. */
const marksOfLeaving = ({ tombstones }: Deps, judged: readonly Judged[]): Uint8Array[] =>
  judged.map(({ user, decision }) => {
    const mark = tombstones.markOf(user?.id ?? NOBODY)
    return user !== undefined && decision.served && decision.removed ? mark : NOBODY_LEFT
  })

const TOO_EARLY: RequestDecision = { served: false, reason: 'tooEarly' }

/** Of several requests of one user in a batch only the first may change the status: the others were decided without it. */
function firstChange({ changing, staying }: Seen, { user, read, decision }: Judged): Judged {
  const changes = user !== undefined && decision.served && decision.status !== undefined
  const isSecond = changing.has(read)
  ;(changes ? changing : staying).add(read)
  return { user, read, decision: changes && isSecond ? TOO_EARLY : decision }
}

/** Users of a batch; nobody reads who stays as he is, but he costs as much. */
interface Seen {
  readonly changing: Set<PermanentId>
  readonly staying: Set<PermanentId>
}

/** One change for each request, also where nothing changes: then of nobody, with the same statement. */
function changeOf(deps: Deps, { user, read, decision }: Judged): StatusChange {
  // A database may notice that it is to write what it holds, and write nothing.
  const lastRequestTag = deps.random(SIZE.requestTag)
  const { notified, lastStatusRequestEpoch, warnedThrough } = NEW_STATUS
  const same: UserStatus = { notified, lastStatusRequestEpoch, warnedThrough, lastRequestTag }
  const nothing = { id: NOBODY, from: NEW_STATUS, to: same, instead: read }
  if (user === undefined || !decision.served || decision.status === undefined) return nothing
  return { id: user.id, from: user.status, to: decision.status, instead: read }
}

/** §7 step 8 under concurrency: who did not win the one conditional update asked too early. */
function settle({ user, read, decision }: Judged, changed: ReadonlySet<PermanentId>): Judged {
  const hasChanged = changed.has(read)
  const lost = decision.served && decision.status !== undefined && user !== undefined && !hasChanged
  return { user, read, decision: lost ? TOO_EARLY : decision }
}

/** A reply is sealed for every request, and random bytes are drawn for every request: one of the two goes out. */
function replyTo(
  deps: Deps,
  user: UserRecord | undefined,
  decision: RequestDecision,
  list: IdentifierList,
  nobodysKey: Uint8Array,
  at: UnixSeconds,
): Uint8Array {
  const recipient = decision.served ? user : undefined
  const answer = decision.served ? decision.answer : undefined
  deps.count(decision.served ? SERVED[decision.answer.kind] : REFUSED[decision.reason])
  const status = answer?.kind === 'status' ? answer : undefined
  const now = epochAt(deps.calendar, at)
  const exposureDay = dayOfEpoch(deps.calendar, status?.newest ?? now)
  const reply = {
    kind: CODE[answer?.kind ?? 'status'],
    atRisk: status?.atRisk === true,
    serverTime: ntpOf(at),
    replyId: status?.replyId ?? NO_REPLY_ID,
    nextPoll: nextPoll(deps),
    exposureDay: status?.newest === undefined ? (0 as const) : exposureDay,
    list: carriesList(answer) ? list : { first: now, pairs: NO_PAIRS },
  }
  const sealed = sealReply(recipient?.encryptionKey ?? nobodysKey, reply, deps.random)
  const constant = constantReply(deps.random)
  return recipient === undefined ? constant : sealed
}

const NO_PAIRS = new Uint8Array(0)
const NO_REPLY_ID = new Uint8Array(SIZE.replyId)

/** Names under which outcomes are counted. Put together here, once: a name that is made for a request costs by its length. */
const SERVED: Readonly<Record<RequestAnswer['kind'], string>> = {
  status: 'request.status',
  renew: 'request.renew',
  unregister: 'request.unregister',
  deleteHistory: 'request.deleteHistory',
  acknowledge: 'request.acknowledge',
  reset: 'request.reset',
}
const REFUSED = Object.fromEntries(
  Object.keys(REQUEST_REFUSALS).map((reason) => [reason, `request.refused.${reason}`]),
) as Readonly<Record<RequestRefusal, string>>

/** An acknowledgement and what ends something bring no identifiers; where nobody is answered it does not matter. */
const carriesList = (answer: RequestAnswer | undefined): boolean =>
  answer === undefined || answer.kind === 'status' || answer.kind === 'renew'

/**
 * What is made for every request, of whoever was read, for it goes out to the user alone: the last day of the bundle, which a status reply carries; for `renew` what is asked for between now
 * and the end of the bundle.
 */
function identifiersFor(deps: Deps, { read: id, decision }: Judged, at: UnixSeconds): WantedList {
  const { bundleDays } = deps.robert.parameters
  const now = epochAt(deps.calendar, at)
  const answer = decision.served ? decision.answer : undefined
  if (answer?.kind !== 'renew') return { id, ...lastDayOfBundle(deps.calendar, dayOf(at), bundleDays, REPLY_PAIRS) }
  const end = firstEpochOfDay(deps.calendar, dayOf(at) + bundleDays + 1)
  const first = Math.min(Math.max(answer.first, now), end) as Epoch
  return { id, first, count: Math.min(REPLY_PAIRS, end - first) }
}
