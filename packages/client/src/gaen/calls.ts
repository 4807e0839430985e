import { later } from '@vicinity/protocol'
import type { Activity } from '../state.ts'
import { CALL_PATIENCE } from '../step.ts'
import type { Outgoing } from './events.ts'
import type { GaenStep } from './state.ts'

export function send(step: GaenStep, activity: Activity, request: Outgoing): void {
  activity.call = ++step.state.calls
  activity.due = later(step.at, CALL_PATIENCE)
  step.effects.push({ type: 'send', call: activity.call, request })
}
