// Which keys of this phone a publication has, and what the key server knows of them afterwards.
import { equalBytes } from '@vicinity/protocol/crypto'
import { intervalAt, keyStartAt, PUBLISH, ROLLING_PERIOD } from '@vicinity/protocol/gaen'
import { rotate, wholeKeyOf } from './radio.ts'
import type { DailyKey, GaenState, GaenStep, KeyFate, PublishedKey } from './state.ts'

/**
 * After a negative test those that a revision token can take back, and no other: nobody has to know them. Else all keys of the last days,
 * with that of today up to now, or whole: then the key server holds it back until it has ended.
 */
export function keysToPublish(step: GaenStep, testType: string): readonly PublishedKey[] {
  const { state } = step
  const ofFate = (fits: (fate: KeyFate) => boolean): PublishedKey[] =>
    state.keys.filter(({ fate }) => fits(fate)).map(asPublished)
  if (testType === 'negative') return ofFate((fate) => fate === 'published')
  const isCut = cutToday(step)
  const keys = ofFate((fate) => fate !== 'closed')
  // From here on another key is broadcast, under another address; nobody can be followed by one that is known.
  if (isCut) rotate(step)
  return keys.slice(-PUBLISH.mostKeys)
}

const asPublished = ({ keyData, rollingStart, rollingPeriod }: DailyKey): PublishedKey => ({
  keyData,
  rollingStart,
  rollingPeriod,
})

/**
 * Cuts the key of today after this interval, which somebody may have heard: the key server waits for its end. Not one that the key server
 * may have as it is, nor as many of one day as it would refuse.
 */
function cutToday({ state, at }: GaenStep): boolean {
  const start = keyStartAt(at)
  const key = wholeKeyOf(state, start)
  const elapsed = intervalAt(at) - start + 1
  const ofToday = state.keys.filter(({ rollingStart }) => rollingStart === start).length
  if (state.settings.sameDayKey === 'heldBack' || key?.fate !== 'private') return false
  if (elapsed === ROLLING_PERIOD || ofToday >= PUBLISH.mostSameStart) return false
  key.rollingPeriod = elapsed
  return true
}

/** Notes what became of the keys of a publication that have one of these fates. */
export function noteFate(
  state: GaenState,
  keys: readonly PublishedKey[],
  fate: KeyFate,
  before: readonly KeyFate[],
): void {
  for (const key of state.keys) {
    const isAmong = keys.some(({ keyData }) => equalBytes(keyData, key.keyData))
    if (isAmong && before.includes(key.fate)) key.fate = fate
  }
}
