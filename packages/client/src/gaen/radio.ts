// The radio of GAEN: daily keys, identifiers that change together with the address, and what is heard.
import { DAY_SECONDS, dayOf, drawBelow, later, Malformed, type UnixSeconds } from '@vicinity/protocol'
import { equalBytes } from '@vicinity/protocol/crypto'
import {
  type Advertisement,
  associatedEncryptedMetadataKey,
  encryptMetadata,
  GAEN_SIZE,
  type IntervalNumber,
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
import { persist } from './calls.ts'
import type { GaenEvent } from './events.ts'
import type { DailyKey, GaenState, GaenStep, Schedule } from './state.ts'

/** GAEN: Bluetooth v1.2.2, an identifier lives 10 to 20 minutes. */
const SHORTEST_LIFE = 600
const LIFE_SPREAD = 601
const LONGEST_LIFE = SHORTEST_LIFE + LIFE_SPREAD - 1
/** A crowd is far below; a flood must not fill the phone, neither at once nor in the 14 days that the log is kept. */
const MOST_IN_MINUTE = 1024
const MOST_IN_HOUR = 16_384

/** The 31 bytes to broadcast; undefined before the installation and after leaving. */
export const advertisementOf = (state: GaenState): Uint8Array | undefined => state.advertisement

/** What the passing of time alone brings: keys of their day, new identifiers, an end to old ones. */
export function turn(step: GaenStep): void {
  const { state, at } = step
  if (!state.installed) return
  if (state.forgotten !== dayOf(at)) forget(step)
  // A clock that was set back must not keep one identifier alive (docs/divergences.md, 37).
  if (state.rotateAt !== undefined && at < state.rotateAt && state.rotateAt - at <= LONGEST_LIFE) return
  rotate(step)
}

/** What is older than 14 days goes. What is of the future stays: a clock that is wrong for a while must not cost the days that are kept. */
function forget(step: GaenStep): void {
  const { state, at } = step
  const oldest = later(at, -RETENTION_DAYS * DAY_SECONDS)
  state.forgotten = dayOf(at)
  state.keys = state.keys.filter((key) => intervalStart(key.rollingStart + key.rollingPeriod) > oldest)
  state.exposures = state.exposures.filter(({ key }) => intervalStart(key.rollingStart + ROLLING_PERIOD) > oldest)
  // A token that names no key of ours any more would only tell the server that two publications were of one person.
  if (state.keys.every(({ fate }) => fate !== 'published')) state.revisionToken = ''
  step.effects.push({ type: 'forget', before: oldest })
}

/** Identifier and address change together; the identifier is that of the interval of this instant. */
export function rotate(step: GaenStep): void {
  const { state, at, random } = step
  const interval = intervalAt(at)
  const key = currentKey(step)
  const schedule = scheduleOf(state, key)
  const k = interval - key.rollingStart
  const advertisement = packAdvertisement({
    rollingProximityIdentifier: row(schedule.identifiers, GAEN_SIZE.rollingProximityIdentifier, k),
    encryptedMetadata: row(schedule.encryptedMetadata, GAEN_SIZE.metadata, k),
  })
  // Only a clock that was set back finds the identifier that it already sends: under another address it would join the two.
  const isNew = state.advertisement === undefined || !equalBytes(advertisement, state.advertisement)
  const byInterval = state.settings.rotation === 'interval' || !isNew
  state.rotateAt = byInterval ? intervalStart(interval + 1) : later(at, SHORTEST_LIFE + drawBelow(random, LIFE_SPREAD))
  if (!isNew) return
  state.advertisement = advertisement
  step.effects.push({ type: 'rotateAddress' })
}

const row = (rows: Uint8Array, width: number, k: number): Uint8Array => rows.slice(width * k, width * (k + 1))

/** The key that starts here and was not cut short. */
export const wholeKeyOf = ({ keys }: GaenState, start: IntervalNumber): DailyKey | undefined =>
  keys.find(({ rollingStart, rollingPeriod }) => rollingStart === start && rollingPeriod === ROLLING_PERIOD)

/** Keys roll together at multiples of 144 (midnight UTC); each is random, none comes from another. */
function currentKey(step: GaenStep): DailyKey {
  const { state, at, random } = step
  const rollingStart = keyStartAt(at)
  const running = wholeKeyOf(state, rollingStart)
  if (running !== undefined) return running
  // After a cut a second key begins in the same day, with the same start.
  const keyData = own(random(GAEN_SIZE.temporaryExposureKey))
  const key: DailyKey = { keyData, rollingStart, rollingPeriod: ROLLING_PERIOD, fate: 'private' }
  state.keys = [...state.keys, key].sort((a, b) => a.rollingStart - b.rollingStart)
  persist(step)
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
  const { strength, previousScanAt } = event
  step.effects.push({
    type: 'keep',
    heard: {
      at,
      identifier: own(heard.rollingProximityIdentifier),
      encryptedMetadata: own(heard.encryptedMetadata),
      strength: Number.isFinite(strength) ? strength : undefined,
      previousScanAt: Number.isFinite(previousScanAt) ? previousScanAt : undefined,
    },
  })
}

/** An advertisement of somebody else. Who broadcasts nothing takes no part, and hears nothing. */
function advertised(state: GaenState, bytes: Uint8Array): Advertisement | undefined {
  if (state.advertisement === undefined || equalBytes(bytes, state.advertisement)) return undefined
  try {
    return parseAdvertisement(bytes)
  } catch (error) {
    if (!(error instanceof Malformed)) throw error
    return undefined
  }
}

function isFlood(state: GaenState, at: UnixSeconds): boolean {
  const [minute, hour] = [Math.floor(at / 60), Math.floor(at / 3600)]
  if (minute !== state.minute) state.heardInMinute = 0
  if (hour !== state.hour) state.heardInHour = 0
  state.minute = minute
  state.hour = hour
  // What the minute refuses is not counted against the hour: a short flood leaves the rest of it.
  if (++state.heardInMinute > MOST_IN_MINUTE) return true
  return ++state.heardInHour > MOST_IN_HOUR
}
