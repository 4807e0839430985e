// What every part of a step shares: the moment, the effects so far, calls, draws and back-off.
import { drawBelow, type EndpointName, later, type Random, type RequestOf, type UnixSeconds } from '@vicinity/protocol'
import type { Notice, PhoneEffect } from './events.ts'
import type { Activity, PhoneState } from './state.ts'

/** One step while it runs. */
export interface Step {
  readonly state: PhoneState
  /** The phone's own clock. */
  readonly at: UnixSeconds
  /** The corrected clock: every time of the protocol is one of these. */
  now: UnixSeconds
  readonly random: Random
  readonly effects: PhoneEffect[]
}

/** A call without an answer for so long counts as lost: a phone that was restarted never gets one. */
export const CALL_PATIENCE = 60

const BACKOFF_BASE = 60
const BACKOFF_CAP = 10_800

export function tell(step: Step, notice: Notice): void {
  step.effects.push({ type: 'tell', notice })
}

export function persist(step: Step): void {
  step.effects.push({ type: 'persist' })
}

type Called = Extract<PhoneEffect, { readonly type: 'call' }>['endpoint']

export function issue<Name extends Called & EndpointName>(
  step: Step,
  activity: Activity & { stage: string },
  endpoint: Name,
  request: RequestOf<Name>,
): void {
  activity.call = ++step.state.calls
  activity.due = later(step.at, CALL_PATIENCE)
  step.effects.push({ type: 'call', call: activity.call, endpoint, request } as PhoneEffect)
}

/** Full jitter: somewhere between now and a ceiling that doubles, so that phones do not come back together after an outage. */
export function backOff(step: Pick<Step, 'at' | 'random'>, activity: Activity): void {
  const ceiling = Math.min(BACKOFF_BASE * 2 ** activity.failures, BACKOFF_CAP)
  activity.call = 0
  activity.due = later(step.at, 1 + drawBelow(step.random, ceiling))
  activity.failures++
}
