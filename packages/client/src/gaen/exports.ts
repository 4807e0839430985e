// Looking for diagnosis keys: the index, the files that are new, what they match, and what the user has to know.
import { dayOf, drawBelow, later, Malformed } from '@vicinity/protocol'
import { equalBytes } from '@vicinity/protocol/crypto'
import { exposureRiskOf, parseIndex, REPORT_TYPE } from '@vicinity/protocol/gaen'
import { backOff } from '../step.ts'
import { send } from './calls.ts'
import type { GaenEvent } from './events.ts'
import type { Exposure } from './match-archive.ts'
import { type GaenState, type GaenStep, idle } from './state.ts'

/** A look at the index every some hours, at a moment of its own so that phones do not come together. */
export function planDownload(step: GaenStep): void {
  const { exportInterval } = step.state.settings
  const download = idle()
  download.due = later(step.at, exportInterval - drawBelow(step.random, Math.max(1, Math.floor(exportInterval / 4))))
  step.state.download = download
}

export function runDownload(step: GaenStep): void {
  const { state } = step
  const { download, settings } = state
  if (download.call !== 0 || download.stage === 'match') {
    // Nobody answered in time, or the phone was restarted while it compared.
    retryDownload(step)
    return
  }
  const path = download.stage === 'file' ? settings.filesPath + download.files[0]! : settings.indexPath
  if (download.stage === 'idle') download.stage = 'index'
  send(step, download, { method: 'GET', path, body: undefined, headers: {} })
}

export function retryDownload(step: GaenStep): void {
  const { download } = step.state
  if (download.stage === 'match') download.stage = 'file'
  backOff(step, download)
}

export function downloadAnswered(step: GaenStep, status: number, body: Uint8Array): void {
  const { download } = step.state
  download.call = 0
  if (download.stage === 'index') {
    if (status === 200) readIndex(step, body)
    else retryDownload(step)
  } else if (status === 200) {
    download.stage = 'match'
    download.due = undefined
    step.effects.push({ type: 'match', file: download.files[0]!, archive: body })
  } else if (status === 404)
    nextFile(step) // An index from a cache names files that are gone.
  else retryDownload(step)
}

function readIndex(step: GaenStep, body: Uint8Array): void {
  const { state } = step
  try {
    const names = parseIndex(body)
    // Of what was read only the names are kept that the index still has: the list does not grow.
    state.read = state.read.filter((name) => names.includes(name))
    state.download.files = names.filter((name) => !state.read.includes(name))
  } catch (error) {
    if (!(error instanceof Malformed)) throw error
    retryDownload(step)
    return
  }
  continueWith(step)
}

function nextFile(step: GaenStep): void {
  step.state.download.files.shift()
  continueWith(step)
}

function continueWith(step: GaenStep): void {
  const { download } = step.state
  download.failures = 0
  if (download.files.length === 0) {
    planDownload(step)
    judge(step)
    step.effects.push({ type: 'persist' })
    return
  }
  download.stage = 'file'
  download.due = step.at
}

/** Takes over what a file matched. Without a signature of somebody trusted nothing of it counts, and it is not asked for again. */
export function matched(step: GaenStep, event: Extract<GaenEvent, { readonly type: 'matched' }>): void {
  const { state } = step
  if (state.download.stage !== 'match' || state.download.files[0] !== event.file) return
  state.read.push(event.file)
  for (const key of event.keys) {
    const isMine = state.keys.some(({ keyData }) => equalBytes(keyData, key.keyData))
    if (!isMine) takeOver(state, key)
  }
  nextFile(step)
}

/** A key that is heard of again was revised: its sightings stay, what the authority says of it changes. */
function takeOver(state: GaenState, exposure: Exposure): void {
  const known = state.exposures.findIndex(({ keyData }) => equalBytes(keyData, exposure.keyData))
  const isRevoked = exposure.key.reportType === REPORT_TYPE.revoked
  if (known < 0 && !isRevoked) state.exposures.push(exposure)
  else if (known >= 0 && isRevoked) state.exposures.splice(known, 1)
  else if (known >= 0) state.exposures[known] = exposure
}

/** Tells a warning once for each newer day, and its end when the authority took back the last reason for it. */
function judge(step: GaenStep): void {
  const { state, at } = step
  const { riskModel, riskConfiguration } = state.settings
  const risk = exposureRiskOf(riskModel, state.exposures, riskConfiguration as never, dayOf(at))
  if (risk.atRisk && (state.warnedDay === undefined || risk.newestDay > state.warnedDay)) {
    state.warnedDay = risk.newestDay
    step.effects.push({ type: 'tell', notice: { what: 'atRisk', exposureDay: risk.newestDay } })
  } else if (!risk.atRisk && state.warnedDay !== undefined) {
    state.warnedDay = undefined
    step.effects.push({ type: 'tell', notice: { what: 'warningEnded' } })
  }
}
