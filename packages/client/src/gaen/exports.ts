// Looking for diagnosis keys: the index, the files that are new, what they match, and what the user has to know.
import { dayOf, drawBelow, later, Malformed } from '@vicinity/protocol'
import { equalBytes } from '@vicinity/protocol/crypto'
import { exposureRiskOf, parseIndex, REPORT_TYPE } from '@vicinity/protocol/gaen'
import { backOff } from '../step.ts'
import { asksToComeBack, persist, send, tell } from './calls.ts'
import type { GaenEvent } from './events.ts'
import type { Exposure } from './match-archive.ts'
import { type GaenState, type GaenStep, idle } from './state.ts'

/** A comparison without a result for so long was lost with the process. The deployed platforms give it as long. */
const MATCH_PATIENCE = 900
/** Failures in a row that end a round: the rest has its turn with the next look at the index. */
const MOST_FAILURES = 5

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

/** Tries again later; a file that fails lets the others go first. */
export function retryDownload(step: GaenStep): void {
  const { download } = step.state
  if (download.stage !== 'index') {
    download.stage = 'file'
    download.files.push(download.files.shift()!)
    if (download.failures >= MOST_FAILURES) {
      endRound(step)
      return
    }
  }
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
    download.due = later(step.at, MATCH_PATIENCE)
    step.effects.push({ type: 'match', file: download.files[0]!, archive: body })
  }
  // An index from a cache names files that are gone. A file that comes back is still in the next index.
  else if (asksToComeBack(status)) retryDownload(step)
  else nextFile(step)
}

function readIndex(step: GaenStep, body: Uint8Array): void {
  const { state } = step
  try {
    const names = new Set(parseIndex(body))
    // Of what was read only the names are kept that the index still has: the list does not grow.
    state.read = state.read.filter((name) => names.has(name))
    for (const name of state.read) names.delete(name)
    state.download.files = [...names]
  } catch (error) {
    if (!(error instanceof Malformed)) throw error
    retryDownload(step)
    return
  }
  continueRound(step)
}

function nextFile(step: GaenStep): void {
  step.state.download.files.shift()
  continueRound(step)
}

function continueRound(step: GaenStep): void {
  const { download } = step.state
  download.failures = 0
  if (download.files.length === 0) {
    endRound(step)
    return
  }
  download.stage = 'file'
  download.due = step.at
}

/** Only here the risk is judged: what one file says a later one may take back. */
function endRound(step: GaenStep): void {
  planDownload(step)
  judge(step)
  persist(step)
}

/**
 * Takes over what a file matched. Without a signature of somebody trusted nothing of it counts, and it is asked for again with the next
 * index: it may have been cut off on its way, or signed with a key that the next version of the application knows.
 */
export function matched(step: GaenStep, event: Extract<GaenEvent, { readonly type: 'matched' }>): void {
  const { state } = step
  if (state.download.stage !== 'match' || state.download.files[0] !== event.file) return
  if (event.trusted) {
    state.read.push(event.file)
    for (const key of event.keys) {
      // Whoever repeats our own advertisements to us is no contact.
      const isMine = state.keys.some(({ keyData }) => equalBytes(keyData, key.keyData))
      if (!isMine) takeOver(state, key)
    }
    // A platform that stops the phone after each file still gets to the last one.
    persist(step)
  }
  nextFile(step)
}

/**
 * A key that is heard of again: what the authority says of it changes when it was revised, which happens once, and never back. A key that
 * was taken back is remembered without its sightings, so that an older file that comes later cannot bring it back.
 */
function takeOver(state: GaenState, exposure: Exposure): void {
  const known = state.exposures.findIndex(({ keyData }) => equalBytes(keyData, exposure.keyData))
  const before = state.exposures[known]
  if (before === undefined ? exposure.sightings.length === 0 : before.revised && !exposure.revised) return
  const isRevoked = exposure.key.reportType === REPORT_TYPE.revoked
  const taken = isRevoked ? { ...exposure, sightings: [] } : exposure
  if (before === undefined) state.exposures.push(taken)
  else state.exposures[known] = taken
}

/** Tells the newest day of exposure whenever it changes, and the end of the warning when no reason for it is left. */
function judge(step: GaenStep): void {
  const { state, at } = step
  const { riskModel, riskConfiguration } = state.settings
  const risk = exposureRiskOf(riskModel, state.exposures, riskConfiguration as never, dayOf(at))
  const day = risk.atRisk ? risk.newestDay : undefined
  if (day === state.warnedDay) return
  state.warnedDay = day
  tell(step, day === undefined ? { what: 'warningEnded' } : { what: 'atRisk', exposureDay: day })
}
