// The radio of GAEN: daily keys, identifiers that change together with the address, and what is heard.
import { DAY_SECONDS, dayOf, drawBelow, later, type Malformed, type UnixSeconds } from '@vicinity/protocol'
import { equalBytes } from '@vicinity/protocol/crypto'
import {
  type Advertisement,
  associatedEncryptedMetadataKey,
  encryptMetadata,
  GAEN_SIZE,
  intervalAt,
  intervalStart,
  keyStartAt,
  metadataOf,
  packAdvertisement,
  packMetadata,
  parseAdvertisement,
  RETENTION_DAYS,
  ROLLING_PERIOD,
  rollingProximityIdentifierKey,
  rollingProximityIdentifiers,
} from '@vicinity/protocol/gaen'
import { own } from '../state.ts'
import type { GaenEvent } from './events.ts'
import type { DailyKey, GaenState, GaenStep, Schedule } from './state.ts'

/** Bluetooth v1.2.2: an identifier lives 10 to 20 minutes. */
const SHORTEST_LIFE = 600
const LIFE_SPREAD = 601
/** A crowd is far below; a flood must not fill the phone. */
const MOST_IN_MINUTE = 1024

/** The 31 bytes to broadcast; undefined before the installation and after leaving. */
export const advertisementOf = (state: GaenState): Uint8Array | undefined => state.advertisement

/** What the passing of time alone brings: keys of their day, new identifiers, an end to old ones. */
export function turn(step: GaenStep): void {
  const { state, at } = step
  if (!state.installed) return
  const today = dayOf(at)
  if (state.forgotten !== today) {
    state.forgotten = today
    const oldest = later(at, -RETENTION_DAYS * DAY_SECONDS)
    step.effects.push({ type: 'forget', before: oldest })
    state.keys = state.keys.filter((key) => intervalStart(key.rollingStart + key.rollingPeriod) > oldest)
    state.exposures = state.exposures.filter(
      (exposure) => intervalStart(exposure.key.rollingStart + ROLLING_PERIOD) > oldest,
    )
  }
  // A clock that was set back must not keep one identifier alive.
  if (state.rotateAt !== undefined && at < state.rotateAt && state.rotateAt - at <= SHORTEST_LIFE + LIFE_SPREAD) return
  rotate(step)
}

/** Identifier and address change together; the identifier is that of the interval of this instant. */
export function rotate(step: GaenStep): void {
  const { state, at, random } = step
  const interval = intervalAt(at)
  const key = currentKey(step)
  const schedule = scheduleOf(state, key)
  const k = interval - key.rollingStart
  state.advertisement = packAdvertisement({
    rollingProximityIdentifier: row(schedule.identifiers, GAEN_SIZE.rollingProximityIdentifier, k),
    encryptedMetadata: row(schedule.encryptedMetadata, GAEN_SIZE.metadata, k),
  })
  const byInterval = state.settings.rotation === 'interval'
  state.rotateAt = byInterval ? intervalStart(interval + 1) : later(at, SHORTEST_LIFE + drawBelow(random, LIFE_SPREAD))
  step.effects.push({ type: 'rotateAddress' })
}

const row = (rows: Uint8Array, width: number, k: number): Uint8Array => rows.slice(width * k, width * (k + 1))

/** Keys roll together at multiples of 144 (midnight UTC); each is random, none comes from another. */
function currentKey(step: GaenStep): DailyKey {
  const { state, at, random } = step
  const start = keyStartAt(at)
  const newest = state.keys.at(-1)
  const covers = newest !== undefined && newest.rollingStart === start && newest.rollingPeriod === ROLLING_PERIOD
  if (covers) return newest
  // After a cut a second key begins in the same day, with the same start.
  const key = {
    keyData: own(random(GAEN_SIZE.temporaryExposureKey)),
    rollingStart: start,
    rollingPeriod: ROLLING_PERIOD,
  }
  state.keys.push(key)
  step.effects.push({ type: 'persist' })
  return key
}

/** The 144 identifiers of a key with their metadata; one derivation a day. */
function scheduleOf(state: GaenState, { keyData, rollingStart }: DailyKey): Schedule {
  if (state.schedule !== undefined && equalBytes(state.schedule.keyData, keyData)) return state.schedule
  const identifiers = rollingProximityIdentifiers(rollingProximityIdentifierKey(keyData), rollingStart, ROLLING_PERIOD)
  const metadata = packMetadata(metadataOf(state.settings.transmitPower))
  const encryptedMetadata = encryptMetadata(associatedEncryptedMetadataKey(keyData), identifiers, metadata)
  state.schedule = { keyData, identifiers: own(identifiers), encryptedMetadata }
  return state.schedule
}

/** Keeps the identifier, its metadata, the strength and the time: nothing else of what was heard. */
export function hear(step: GaenStep, event: Extract<GaenEvent, { readonly type: 'heard' }>): void {
  const { state, at } = step
  const heard = advertised(state, event.advertisement)
  if (heard === undefined || isFlood(state, at)) {
    state.ignored++
    return
  }
  const known = event.strength !== undefined && Number.isFinite(event.strength)
  step.effects.push({
    type: 'keep',
    heard: {
      at,
      identifier: own(heard.rollingProximityIdentifier),
      encryptedMetadata: own(heard.encryptedMetadata),
      strength: known ? event.strength : undefined,
      previousScanAt: event.previousScanAt,
    },
  })
}

/** An advertisement of somebody else. */
function advertised(state: GaenState, bytes: Uint8Array): Advertisement | undefined {
  if (!state.installed || state.advertisement === undefined || equalBytes(bytes, state.advertisement)) return undefined
  try {
    return parseAdvertisement(bytes)
  } catch (error) {
    if ((error as Malformed).name !== 'Malformed') throw error
    return undefined
  }
}

function isFlood(state: GaenState, at: UnixSeconds): boolean {
  const minute = Math.floor(at / 60)
  if (minute !== state.minute) {
    state.minute = minute
    state.heardInMinute = 0
  }
  state.heardInMinute++
  return state.heardInMinute > MOST_IN_MINUTE
}
