// Authenticated requests (ROBERT §7): status, renewal of identifiers, acknowledgement. One path, one size, one schedule for every
// phone: who watches the traffic cannot tell a notified phone from another.
import {
  dayOf,
  drawBelow,
  type Epoch,
  epochAt,
  epochsIn,
  LAST_EPOCH,
  later,
  ntpOf,
  type ResponseOf,
  unixOf,
} from '@vicinity/protocol'
import {
  buildRequest,
  CODE,
  openReply,
  type Reply,
  type RequestCode,
  renewPayload,
  SIZE,
} from '@vicinity/protocol/robert'
import { firstMissing, hasGap, mergeIdentifiers, pairAt } from './identifiers.ts'
import { tellBroadcasting, turn } from './radio.ts'
import { LONGEST_POLL, registerAnew, withinPolls } from './register.ts'
import { own, type Poll, type Service } from './state.ts'
import { backOff, issue, persist, type Step, tell } from './step.ts'
import { finishLeaving, forgetWarning, leaveUnheard, wishAnswered } from './wishes.ts'

/** The same bytes are sent again only while their Time is close to the server's with certainty (ROBERT §7 step 2). */
const RESEND_AGE = 40
const OLDEST_RESEND = 60
const RESEND_LEAST = 5
const RESEND_MOST = 20
const ACKNOWLEDGEMENT_RESENDS = 2

/** What is due in the exchange with the back-end. */
export function runPoll(step: Step, poll: Poll): void {
  const { sending } = poll
  if (poll.call !== 0) pollFailed(step, poll, false)
  else if (sending === undefined) beginExchange(step, poll)
  else if (step.at - sending.builtAt < OLDEST_RESEND) {
    sending.resent++
    send(step, poll)
  }
  // The phone slept over the time of the resend.
  else if (sending.code === CODE.acknowledge) endExchange(step, poll)
  else beginExchange(step, poll)
}

/** A clock that was set back must not silence the phone. */
export function shortenPoll(step: Step, poll: Poll): void {
  if (poll.call === 0 && poll.due !== undefined && poll.due - step.at > LONGEST_POLL) poll.due = step.at
}

function beginExchange(step: Step, poll: Poll): void {
  const { state } = step
  const service = state.service!
  const now = epochAt(service.calendar, step.now)
  // An identifier older than CT is no longer understood: its server key is destroyed.
  const oldest = now - epochsIn(service.calendar, service.parameters.contagiousDays)
  if (state.newest === undefined || state.newest.epoch < oldest) {
    if (!leaveUnheard(step)) registerAnew(step)
    return
  }
  const code = chooseCode(step, service, now)
  state.lastCode = code
  const first = Math.min(Math.max(firstMissing(state, now), 0), LAST_EPOCH) as Epoch
  build(step, poll, code, code === CODE.renew ? renewPayload(first) : (state.wish?.payload ?? new Uint8Array()))
  persist(step)
  send(step, poll)
}

/** ROBERT §7: a notified phone asks no status any more; a renewal never tells one (docs/divergences.md, 7). */
function chooseCode(step: Step, service: Service, now: Epoch): RequestCode {
  const { state } = step
  if (state.wish !== undefined) {
    state.wish.sent = true
    return state.wish.code
  }
  endWarning(step, service)
  if (state.notified) return CODE.renew
  // In turn with status requests: neither identifiers nor warnings wait for the other.
  if (state.lastCode === CODE.status && hasGap(state, now)) return CODE.renew
  // ROBERT §7 step 8, by what was sent: the server may have counted a request whose reply was lost.
  const last = state.lastStatusEpoch
  if (last !== undefined && Math.abs(now - last) < service.parameters.statusGap) return CODE.renew
  return CODE.status
}

/** The warning ends some days after the exposure; by then the back-end answers status requests again. */
function endWarning(step: Step, { parameters }: Service): void {
  const { state, now } = step
  if (!state.notified || dayOf(now) <= state.exposureDay + parameters.notifiedDays) return
  forgetWarning(state)
  tell(step, { what: 'warningEnded' })
}

/** ROBERT §7: EBID | i | Time | MAC, with the identifier of this epoch or else the latest one held. */
function build(step: Step, poll: Poll, code: RequestCode, payload: Uint8Array): void {
  const { state } = step
  const current = epochAt(state.service!.calendar, step.now)
  const pair = pairAt(state, current)
  const { epoch, pair: used } = pair === undefined ? state.newest! : { epoch: current, pair }
  const request = { code, ebid: used.subarray(0, SIZE.ebid), epoch, time: ntpOf(step.now), payload }
  const bytes = buildRequest(state.settings.profile, state.keys!.authenticationKey, request)
  poll.sending = { code, bytes, builtAt: step.at, resent: 0 }
}

function send(step: Step, poll: Poll): void {
  const { state } = step
  const { code, bytes } = poll.sending!
  if (code === CODE.status) state.lastStatusEpoch = epochAt(state.service!.calendar, step.now)
  issue(step, poll, 'request', { request: bytes })
}

export function pollFailed(step: Step, poll: Poll, refused: boolean): void {
  const { code, builtAt, resent } = poll.sending!
  const again = !refused && step.at - builtAt < RESEND_AGE
  if (again && (code !== CODE.acknowledge || resent < ACKNOWLEDGEMENT_RESENDS)) {
    poll.call = 0
    poll.due = later(step.at, RESEND_LEAST + drawBelow(step.random, RESEND_MOST - RESEND_LEAST + 1))
  } else if (code === CODE.acknowledge) {
    // The acknowledgement of a warning is in every later one: a lost one loses nothing.
    endExchange(step, poll)
  } else {
    poll.sending = undefined
    backOff(step, poll)
  }
}

export function requestAnswered(step: Step, response: ResponseOf<'request'>): void {
  const { state } = step
  const poll = state.poll!
  const { code } = poll.sending!
  const reply = open(step, code, response.reply)
  poll.call = 0
  poll.failures = 0
  if (code === CODE.acknowledge) {
    endExchange(step, poll)
    return
  }
  poll.next = later(step.at, reply === undefined ? drawInterval(step) : withinPolls(reply.nextPoll))
  if (reply !== undefined) take(step, reply)
  wishAnswered(step, code, reply !== undefined)
  // ROBERT §7, application step 1: an acknowledgement follows every reply, even one that says nothing.
  build(step, poll, CODE.acknowledge, own(state.warning ?? reply?.replyId ?? step.random(SIZE.replyId)))
  persist(step)
  send(step, poll)
}

/** The reply to what was asked, or undefined; counted. What opens was sealed by the back-end, so its clock is believed. */
function open(step: Step, code: RequestCode, sealed: Uint8Array): Reply | undefined {
  const { state } = step
  const reply = tryOpen(state.keys!.encryptionKey, sealed)
  if (reply?.kind !== code) {
    state.unopened++
    return undefined
  }
  state.unopened = 0
  state.clockOffset = unixOf(reply.serverTime) - step.at
  step.now = later(step.at, state.clockOffset)
  turn(step)
  return reply
}

function tryOpen(key: Uint8Array, sealed: Uint8Array): Reply | undefined {
  try {
    return openReply(key, sealed)
  } catch {
    return undefined
  }
}

/** ROBERT §7, application step 2. */
function take(step: Step, reply: Reply): void {
  const { state } = step
  mergeIdentifiers(state, reply.list, epochAt(state.service!.calendar, step.now))
  tellBroadcasting(step)
  // Only a phone that is not notified asks its status, so it is told once.
  if (reply.kind !== CODE.status || !reply.atRisk) return
  state.notified = true
  state.exposureDay = reply.exposureDay
  state.warning = own(reply.replyId)
  tell(step, { what: 'atRisk', exposureDay: reply.exposureDay })
}

/** What the back-end would have said, had its reply been opened. */
function drawInterval(step: Step): number {
  const { pollInterval, pollJitter } = step.state.service!.parameters
  return withinPolls(pollInterval - pollJitter + drawBelow(step.random, 2 * pollJitter + 1))
}

/** After the acknowledgement, so that even the last exchange of an account looks like every other. */
function endExchange(step: Step, poll: Poll): void {
  poll.sending = undefined
  poll.call = 0
  poll.due = poll.next
  if (finishLeaving(step)) return
  if (step.state.unopened >= step.state.service!.parameters.unopenedReplies) registerAnew(step)
}
