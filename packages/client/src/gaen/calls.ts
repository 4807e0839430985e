// What every part of a step of GAEN shares: calls, notices, and waits that a clock that was set back must not prolong.
import { later } from '@vicinity/protocol'
import type { Activity } from '../state.ts'
import { CALL_PATIENCE } from '../step.ts'
import type { GaenNotice, Outgoing } from './events.ts'
import type { GaenStep } from './state.ts'

/** A file of diagnosis keys has up to 16 MiB. */
const DOWNLOAD_PATIENCE = 480

export function send(step: GaenStep, activity: Activity, request: Outgoing): void {
  activity.call = ++step.state.calls
  activity.due = later(step.at, request.method === 'GET' ? DOWNLOAD_PATIENCE : CALL_PATIENCE)
  step.effects.push({ type: 'send', call: activity.call, request })
}

export function tell(step: GaenStep, notice: GaenNotice): void {
  step.effects.push({ type: 'tell', notice })
}

/** Once is enough: what is saved is the state after the whole step. */
export function persist({ effects }: GaenStep): void {
  if (effects.at(-1)?.type !== 'persist') effects.push({ type: 'persist' })
}

/** Back-off ends at three hours, chaff begins within four: no activity plans to wait longer. */
export const LONGEST_WAIT = 4 * 3600

/** A clock that was set back must not silence the phone. */
export function shortenWait(step: GaenStep, activity: Activity, longest = LONGEST_WAIT): void {
  if (activity.due !== undefined && activity.due - step.at > longest) activity.due = later(step.at, CALL_PATIENCE)
}

/** Statuses below 500 that ask to come back: a time-out, and too many at once. */
const COME_BACK: ReadonlySet<number> = new Set([408, 425, 429])

/** Whether an answer says nothing about what was asked, and the same request may succeed later. */
export const asksToComeBack = (status: number): boolean => status >= 500 || COME_BACK.has(status)
