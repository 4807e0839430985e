// The phone of ROBERT as a state machine: an event and a time go in, effects come out. It performs nothing itself.
import { epochStart, later, type Random, type UnixSeconds } from '@vicinity/protocol'
import {
  consent,
  declarationFailed,
  declare,
  itemSent,
  recalled,
  redeemAnswered,
  runDeclaration,
  windowAnswered,
} from './declare.ts'
import type { PhoneEffect, PhoneEvent } from './events.ts'
import { pollFailed, requestAnswered, runPoll, shortenPoll } from './poll.ts'
import { hear, turn } from './radio.ts'
import {
  challengeAnswered,
  install,
  registerAnswered,
  registrationFailed,
  runRegistration,
  solved,
} from './register.ts'
import type { Activity, PhoneState } from './state.ts'
import type { Step } from './step.ts'
import { eraseHistory, leave, negativeTest } from './wishes.ts'

type Handlers = {
  readonly [type in PhoneEvent['type']]: (step: Step, event: Extract<PhoneEvent, { readonly type: type }>) => void
}
type Answered = Extract<PhoneEvent, { readonly type: 'answered' }>
type Answers = {
  readonly [name in Answered['endpoint']]: (
    step: Step,
    response: Extract<Answered, { readonly endpoint: name }>['response'],
  ) => void
}

/** What each event does. What it makes due is done at the end of the same step. */
const HANDLERS: Handlers = {
  install,
  wake: () => {},
  heard: hear,
  answered,
  failed,
  solved,
  declare,
  consent,
  recalled,
  leave,
  eraseHistory,
  negativeTest,
}

const ANSWERS: Answers = {
  challenge: challengeAnswered,
  register: registerAnswered,
  request: requestAnswered,
  codeWindow: windowAnswered,
  redeemCode: redeemAnswered,
  upload: itemSent,
}

/** One step. Changes `state` in place; the host performs the effects in order. */
export function stepRobert(state: PhoneState, event: PhoneEvent, at: UnixSeconds, random: Random): PhoneEffect[] {
  const step: Step = { state, at, now: later(at, state.clockOffset), random, effects: [] }
  turn(step)
  const handle = HANDLERS[event.type] as (step: Step, event: PhoneEvent) => void
  handle(step, event)
  runDue(step)
  askWake(step, event.type === 'wake')
  return step.effects
}

/** The activity that waits for this call; a call that nobody waits for any more has none. */
function waitsFor(activity: Activity | undefined, call: number): boolean {
  return activity !== undefined && activity.call !== 0 && activity.call === call
}

function answered(step: Step, event: Answered): void {
  const { registration, poll, declaration } = step.state
  const activity = [registration, poll, declaration].find((each) => waitsFor(each, event.call))
  if (activity?.stage !== event.endpoint) return
  const take = ANSWERS[event.endpoint] as (step: Step, response: Answered['response']) => void
  take(step, event.response)
}

function failed(step: Step, event: Extract<PhoneEvent, { readonly type: 'failed' }>): void {
  const { registration, poll, declaration } = step.state
  const { call, refused } = event
  if (waitsFor(registration, call)) registrationFailed(step, registration!, refused)
  else if (waitsFor(poll, call)) pollFailed(step, poll!, refused)
  else if (waitsFor(declaration, call)) declarationFailed(step, declaration!, refused)
}

const isDue = (activity: Activity | undefined, at: UnixSeconds): boolean =>
  activity?.due !== undefined && activity.due <= at

/** The poll before the registration: it may find that the phone must register anew. */
function runDue(step: Step): void {
  const { state, at } = step
  if (state.poll !== undefined) shortenPoll(step, state.poll)
  if (isDue(state.poll, at)) runPoll(step, state.poll!)
  if (isDue(state.registration, at)) runRegistration(step, state.registration!)
  if (isDue(state.declaration, at)) runDeclaration(step, state.declaration!)
}

/** Asks to be woken when the time changed, and after each wake-up: a host that was restarted has no other left. */
function askWake(step: Step, woken: boolean): void {
  const { state } = step
  let next: number = Number.POSITIVE_INFINITY
  if (state.service !== undefined && state.epoch !== undefined) {
    next = epochStart(state.service.calendar, state.epoch + 1) - state.clockOffset
  }
  next = Math.min(next, state.registration?.due ?? next, state.poll?.due ?? next, state.declaration?.due ?? next)
  if (next === Number.POSITIVE_INFINITY || (next === state.wakeAt && !woken)) return
  state.wakeAt = next as UnixSeconds
  step.effects.push({ type: 'wake', at: state.wakeAt })
}
