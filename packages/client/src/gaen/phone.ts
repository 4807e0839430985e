// The phone of GAEN as a state machine: an event and a time go in, effects come out. It performs nothing itself.
import type { Random, UnixSeconds } from '@vicinity/protocol'
import type { GaenEffect, GaenEvent } from './events.ts'
import { downloadAnswered, matched, planDownload, retryDownload, runDownload } from './exports.ts'
import {
  consent,
  declare,
  planChaff,
  publicationAnswered,
  publicationFailed,
  runChaff,
  runPublication,
} from './publish.ts'
import { hear, rotate, turn } from './radio.ts'
import { type GaenState, type GaenStep, newGaenPhone } from './state.ts'

type Handlers = {
  readonly [type in GaenEvent['type']]: (step: GaenStep, event: Extract<GaenEvent, { readonly type: type }>) => void
}

const HANDLERS: Handlers = {
  install,
  wake: () => {},
  heard: hear,
  answered,
  failed,
  matched,
  declare,
  consent,
  leave,
}

/** One step. Changes `state` in place; the host performs the effects in order. */
export function stepGaen(state: GaenState, event: GaenEvent, at: UnixSeconds, random: Random): GaenEffect[] {
  const step: GaenStep = { state, at, random, effects: [] }
  turn(step)
  const handle = HANDLERS[event.type] as (step: GaenStep, event: GaenEvent) => void
  handle(step, event)
  runDue(step)
  askWake(step, event.type === 'wake')
  return step.effects
}

function install(step: GaenStep): void {
  if (step.state.installed) return
  step.state.installed = true
  rotate(step)
  planDownload(step)
  planChaff(step)
}

function leave(step: GaenStep): void {
  const { state } = step
  Object.assign(state, newGaenPhone(state.settings))
  step.effects.push({ type: 'forget', before: Number.MAX_SAFE_INTEGER as UnixSeconds })
  step.effects.push({ type: 'tell', notice: { what: 'left' } }, { type: 'persist' })
}

function answered(step: GaenStep, event: Extract<GaenEvent, { readonly type: 'answered' }>): void {
  const { download, publication } = step.state
  if (download.call === event.call) downloadAnswered(step, event.status, event.body)
  else if (publication?.call === event.call) publicationAnswered(step, event.status, event.body)
}

function failed(step: GaenStep, event: Extract<GaenEvent, { readonly type: 'failed' }>): void {
  const { download, publication } = step.state
  if (download.call === event.call) retryDownload(step)
  else if (publication?.call === event.call) publicationFailed(step)
}

const isDue = (due: UnixSeconds | undefined, at: UnixSeconds): boolean => due !== undefined && due <= at

function runDue(step: GaenStep): void {
  const { state, at } = step
  if (!state.installed) return
  if (isDue(state.nextChaff, at)) runChaff(step)
  if (isDue(state.download.due, at)) runDownload(step)
  if (state.publication !== undefined && isDue(state.publication.due, at)) runPublication(step, state.publication)
}

/** Asks to be woken when the time changed, and after each wake-up: a host that was restarted has no other left. */
function askWake(step: GaenStep, woken: boolean): void {
  const { state } = step
  if (!state.installed) return
  const times = [state.rotateAt, state.download.due, state.publication?.due, state.nextChaff]
  const next = Math.min(...times.map((time) => time ?? Number.POSITIVE_INFINITY)) as UnixSeconds
  if (next === state.wakeAt && !woken) return
  state.wakeAt = next
  step.effects.push({ type: 'wake', at: next })
}
