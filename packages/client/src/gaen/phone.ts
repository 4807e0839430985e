// The phone of GAEN as a state machine: an event and a time go in, effects come out. It performs nothing itself.
import type { Random, UnixSeconds } from '@vicinity/protocol'
import type { Activity } from '../state.ts'
import { LONGEST_WAIT, persist, shortenWait, tell } from './calls.ts'
import type { GaenEffect, GaenEvent } from './events.ts'
import { downloadAnswered, matched, planDownload, retryDownload, runDownload } from './exports.ts'
import { consent, declare, planChaff, publicationAnswered, publicationFailed, runPublication } from './publish.ts'
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
}

/** Keys and sightings are overwritten or removed; the phone is as new. Late answers to calls of before find nobody waiting. */
function leave(step: GaenStep): void {
  const { state } = step
  for (const { keyData } of state.keys) keyData.fill(0)
  const { calls } = state
  Object.assign(state, { ...newGaenPhone(state.settings), calls })
  step.effects.push({ type: 'forget', before: Number.MAX_SAFE_INTEGER as UnixSeconds })
  tell(step, { what: 'left' })
  persist(step)
}

/** The activity that waits for this call; a call that nobody waits for any more has none. */
const waitsFor = (activity: Activity | undefined, call: number): boolean => call !== 0 && activity?.call === call

function answered(step: GaenStep, event: Extract<GaenEvent, { readonly type: 'answered' }>): void {
  const { download, publication, chaff } = step.state
  if (waitsFor(download, event.call)) downloadAnswered(step, event.status, event.body)
  for (const each of [publication, chaff]) {
    if (each !== undefined && waitsFor(each, event.call)) publicationAnswered(step, each, event.status, event.body)
  }
}

function failed(step: GaenStep, { call }: Extract<GaenEvent, { readonly type: 'failed' }>): void {
  const { download, publication, chaff } = step.state
  if (waitsFor(download, call)) retryDownload(step)
  for (const each of [publication, chaff]) {
    if (each !== undefined && waitsFor(each, call)) publicationFailed(step, each)
  }
}

const isDue = (due: UnixSeconds | undefined, at: UnixSeconds): boolean => due !== undefined && due <= at

function runDue(step: GaenStep): void {
  const { state, at } = step
  if (!state.installed) return
  shortenWait(step, state.download, Math.max(LONGEST_WAIT, state.settings.exportInterval))
  if (isDue(state.download.due, at)) runDownload(step)
  planChaff(step)
  for (const each of [state.publication, state.chaff]) {
    if (each === undefined) continue
    shortenWait(step, each)
    if (isDue(each.due, at)) runPublication(step, each)
  }
}

/** Asks to be woken when the time changed, and after each wake-up: a host that was restarted has no other left. */
function askWake(step: GaenStep, woken: boolean): void {
  const { state } = step
  if (!state.installed) return
  const { rotateAt, download, publication, chaff, nextChaff } = state
  const times = [rotateAt, download.due, publication?.due, chaff?.due, nextChaff]
  const next = Math.min(...times.map((time) => time ?? Number.POSITIVE_INFINITY)) as UnixSeconds
  if (next === state.wakeAt && !woken) return
  state.wakeAt = next
  step.effects.push({ type: 'wake', at: next })
}
