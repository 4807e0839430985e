// The radio: rotation of identifiers, what is broadcast (ROBERT §5.1) and what is heard (ROBERT §5.2).
import { DAY_SECONDS, dayOf, epochAt, later, ntpOf, type UnixSeconds } from '@vicinity/protocol'
import {
  buildHello,
  CODE,
  type Hello,
  MOST_MINUTES,
  packItem,
  packSignal,
  parseHello,
  SIZE,
  SLOT_SECONDS,
  strengthClass,
  timeIsClose,
} from '@vicinity/protocol/robert'
import type { KeptItem, PhoneEvent } from './events.ts'
import { dropPast, pairAt } from './identifiers.ts'
import { type Observation, own, type PhoneState } from './state.ts'
import { type Step, tell } from './step.ts'

/** Identifiers of one slot; a crowd is far below, a flood must not fill the phone. */
export const MOST_OBSERVATIONS = 512
const STRENGTH_CLASSES = 32

/** ROBERT §5.1: the 16 bytes to broadcast now. Undefined when there is no identifier for this epoch. */
export function helloAt(state: PhoneState, at: UnixSeconds): Uint8Array | undefined {
  if (state.keys === undefined || state.service === undefined || isLeaving(state)) return undefined
  const now = later(at, state.clockOffset)
  const pair = pairAt(state, epochAt(state.service.calendar, now))
  return pair === undefined ? undefined : buildHello(state.keys.authenticationKey, pair, ntpOf(now))
}

/** Who leaves neither broadcasts nor listens any more, before the back-end has heard of it. */
const isLeaving = (state: PhoneState): boolean => state.wish?.code === CODE.unregister

/** Whether `current` begins something new after `last`. A clock that is corrected by a second back reopens nothing. */
const isNew = (current: number, last: number): boolean => current > last || current < last - 1

/** What the passing of time alone brings: the slot is closed, the epoch is left. */
export function turn(step: Step): void {
  const { state, now } = step
  if (state.service === undefined) return
  const { calendar } = state.service
  if (state.observations.length > 0 && isNew(slotAt(calendar.serviceStart, now), state.slot)) flush(step)
  const epoch = epochAt(calendar, now)
  if (state.epoch !== undefined && !isNew(epoch, state.epoch)) return
  state.epoch = epoch
  dropPast(state, epoch)
  // ROBERT footnote 4: the address and the identifier change together.
  step.effects.push({ type: 'rotateAddress' })
  expire(step)
  tellBroadcasting(step)
}

/**
 * ROBERT §5.2, note: entries go after CT days. Asked for once a day and not at each rotation; until the next day the log may
 * hold a little more than CT, which no recall asks for.
 */
function expire(step: Step): void {
  const { state, now } = step
  const today = dayOf(now)
  if (state.service === undefined || today === state.forgotten) return
  state.forgotten = today
  step.effects.push({ type: 'forget', before: later(now, -state.service.parameters.contagiousDays * DAY_SECONDS) })
}

/** Says when broadcasting stops for want of identifiers and when it goes on; each once. */
export function tellBroadcasting(step: Step): void {
  const { state } = step
  if (state.epoch === undefined) return
  const what = pairAt(state, state.epoch) === undefined ? 'identifiersExhausted' : 'broadcasting'
  if (what === state.told) return
  state.told = what
  tell(step, { what })
}

/** Slots are counted from the start of the service; epochs are whole numbers of slots, so they begin with one. */
const slotAt = (serviceStart: UnixSeconds, now: UnixSeconds): number => Math.floor((now - serviceStart) / SLOT_SECONDS)

/** ROBERT §5.2, thinned: of one identifier in one slot the first HELLO, its median strength and its minutes are kept. */
export function hear(step: Step, event: Extract<PhoneEvent, { readonly type: 'heard' }>): void {
  const { state, now } = step
  const observation = takeHello(state, event.hello, now)
  if (observation === undefined) {
    state.ignored++
    return
  }
  const minute = Math.floor(now / 60)
  if (minute !== observation.lastMinute) {
    observation.lastMinute = minute
    observation.minutes++
  }
  const known = event.strength !== undefined && Number.isFinite(event.strength)
  observation.strengths[strengthClass(known ? event.strength : undefined)]!++
}

/** Steps 1 to 4 of ROBERT §5.2: the entry that this HELLO belongs to, undefined when it is not taken. */
function takeHello(state: PhoneState, bytes: Uint8Array, now: UnixSeconds): Observation | undefined {
  // Before the first registration there is no calendar. A phone that registers anew goes on hearing.
  if (state.service === undefined || isLeaving(state)) return undefined
  // Step 1.
  if (bytes.length !== SIZE.hello) return undefined
  const hello = parseHello(bytes)
  // Steps 2 and 3.
  const { calendar, parameters } = state.service
  const isClose = timeIsClose(state.settings.profile, hello.time16, ntpOf(now), parameters.helloTolerance)
  if (!isClose) return undefined
  const mine = pairAt(state, epochAt(calendar, now))
  if (mine !== undefined && sameEbid(mine, 0, hello.ebid)) return undefined
  // Step 4.
  if (state.observations.length === 0) state.slot = slotAt(calendar.serviceStart, now)
  return observationOf(state, hello, bytes, now)
}

function sameEbid(bytes: Uint8Array, offset: number, ebid: Uint8Array): boolean {
  for (let i = 0; i < SIZE.ebid; i++) if (bytes[offset + i] !== ebid[i]) return false
  return true
}

/** What was heard of this identifier in the slot so far; a new entry the first time; undefined when there are too many. */
function observationOf(state: PhoneState, hello: Hello, bytes: Uint8Array, now: UnixSeconds): Observation | undefined {
  const { observations } = state
  for (const observation of observations) {
    if (sameEbid(observation.hello, SIZE.ecc, hello.ebid)) return observation
  }
  if (observations.length >= MOST_OBSERVATIONS) return undefined
  const strengths = new Array<number>(STRENGTH_CLASSES).fill(0)
  const observation = { hello: own(bytes), time: now, strengths, lastMinute: Number.NEGATIVE_INFINITY, minutes: 0 }
  observations.push(observation)
  return observation
}

/** Closes the slot: what was heard in it goes to the host's log. */
export function flush(step: Step): void {
  const { state } = step
  if (state.observations.length === 0) return
  const items = state.observations.map(keptItem)
  state.observations = []
  step.effects.push({ type: 'keep', items })
}

function keptItem({ hello, time, strengths, minutes }: Observation): KeptItem {
  const signal = packSignal({ strengthClass: medianClass(strengths), minutes: Math.min(minutes, MOST_MINUTES) })
  return { time, item: packItem(hello, ntpOf(time), signal) }
}

/**
 * The median of the classes heard, 0 when the radio knew none. Of two middle ones the weaker (the higher class): it was really
 * measured, and of two equally good readings it is the one that does not claim more nearness than there was.
 */
function medianClass(strengths: readonly number[]): number {
  let known = 0
  for (let k = 1; k < strengths.length; k++) known += strengths[k]!
  let rest = Math.floor(known / 2)
  for (let k = 1; k < strengths.length; k++) {
    rest -= strengths[k]!
    if (rest < 0) return k
  }
  return 0
}
