import { readUint } from '../bytes.ts'
import { type Calendar, DAY_SECONDS, type Epoch, epochsIn } from '../time.ts'
import { SIZE, SLOT_SECONDS } from './constants.ts'
import { type Signal, strengthOf } from './item.ts'
import type { Parameters } from './parameters.ts'

/** One element of LEE (ROBERT §3.2.1) with what the risk needs: epoch 3 | slot 2 bits | weight 6 bits. */
export interface Exposure {
  readonly epoch: Epoch
  readonly slot: number
  /** Tenths of a weighted minute, 0..50. */
  readonly weight: number
}

export function packExposure(exposure: Exposure): Uint8Array {
  const packed = new DataView(new ArrayBuffer(SIZE.exposure))
  writeExposure(packed, 0, exposure.epoch, exposure.slot, exposure.weight)
  return new Uint8Array(packed.buffer)
}

/** Writes the packed form of an exposure as a row of `rows`. */
export function writeExposure(rows: DataView, row: number, epoch: number, slot: number, weight: number): void {
  rows.setUint32(SIZE.exposure * row, (epoch << 8) | (slot << 6) | weight)
}

export function unpackExposures(lee: Uint8Array): Exposure[] {
  return Array.from({ length: Math.floor(lee.length / SIZE.exposure) }, (_, k) => {
    const last = lee[SIZE.exposure * k + 3]!
    return { epoch: readUint(lee, SIZE.exposure * k, 3) as Epoch, slot: last >> 6, weight: last & 63 }
  })
}

/** The weight of an item: minutes times strength, in tenths. What is unknown counts in full for one minute. */
export function exposureWeight(signal: Signal, parameters: Parameters): number {
  const minutes = signal.minutes === 0 ? 1 : signal.minutes
  return 10 * minutes * strengthWeight(signal.strengthClass, parameters)
}

export function strengthWeight(strengthClass: number, parameters: Parameters): number {
  if (strengthClass === 0) return 1
  const strength = strengthOf(strengthClass)
  if (strength >= parameters.fullStrength) return 1
  return strength >= parameters.halfStrength ? 0.5 : 0
}

/** ROBERT §6.2 footnote 17: an epoch j is expired at epoch i when i - j >= CT in epochs. */
export const isExpired = (epoch: number, now: Epoch, contagiousEpochs: number): boolean =>
  now - epoch >= contagiousEpochs

/** LEE without its expired entries; the same array when there is none. */
export function withoutExpired(lee: Uint8Array, now: Epoch, contagiousEpochs: number): Uint8Array {
  const kept: number[] = []
  for (let at = 0; at < lee.length; at += SIZE.exposure) {
    if (!isExpired(readUint(lee, at, 3), now, contagiousEpochs)) kept.push(...lee.subarray(at, at + SIZE.exposure))
  }
  return kept.length === lee.length ? lee : Uint8Array.from(kept)
}

/** What a risk function answers: the newest exposure that put the user at risk, or nothing. */
export type Risk = { readonly atRisk: false } | { readonly atRisk: true; readonly newest: Epoch }

/** A score of LEE as it is stored. Exposures of epochs up to `after`, and expired ones, do not count. */
type RiskFunction = (lee: Uint8Array, now: Epoch, after: number, calendar: Calendar, parameters: Parameters) => Risk

/** Every version of the risk function that was ever in force, by its public name. One that landed never changes. */
const RISK_FUNCTIONS = { 'slots-1': slots, 'any-1': any } as const satisfies Record<string, RiskFunction>
export type RiskFunctionName = keyof typeof RISK_FUNCTIONS
export const RISK_FUNCTION_NAMES: readonly RiskFunctionName[] = Object.keys(RISK_FUNCTIONS) as RiskFunctionName[]
export const DEFAULT_RISK_FUNCTION: RiskFunctionName = 'slots-1'

/**
 * The risk of a user from LEE as it is stored, so that another function, or other parameters, score old entries anew.
 * `after`: exposures of epochs up to here no longer count.
 */
export function riskOf(
  name: RiskFunctionName,
  lee: Uint8Array,
  now: Epoch,
  after: number,
  calendar: Calendar,
  parameters: Parameters,
): Risk {
  return RISK_FUNCTIONS[name](lee, now, after, calendar, parameters)
}

/** LEE is looked at in so many rows at a time, zeros where there are none: how long it takes does not tell who has exposures. */
const ROWS = 32

/**
 * `slots-1`: within some 24 hours at least `riskMinutes` weighted minutes in at least `riskSlots` distinct slots, the newest of
 * them at most `riskNewestDays` old. Of each (epoch, slot) the two largest weights count, so that one patient cannot warn by
 * repetition (docs/divergences.md, 12). Every slot of the time that counts is looked at, whoever was near in it.
 */
function slots(lee: Uint8Array, now: Epoch, after: number, calendar: Calendar, parameters: Parameters): Risk {
  const perEpoch = calendar.epochDuration / SLOT_SECONDS
  const perDay = DAY_SECONDS / SLOT_SECONDS
  // A cell for each slot, from a day before the oldest that may be named.
  const from = (now - epochsIn(calendar, parameters.riskNewestDays)) * perEpoch - perDay
  const { weights, cells } = slotWeights(lee, now, after, from, calendar, parameters)
  const { riskMinutes, riskSlots } = parameters
  const tenths = 10 * riskMinutes
  let sum = 0
  let distinct = 0
  // Newest window last, so the newest sufficient exposure is the answer.
  let found = -1
  for (let cell = 0; cell < cells; cell++) {
    const weight = weights[cell]!
    const gone = cell < perDay ? 0 : weights[cell - perDay]!
    sum += weight - gone
    // Without branches, here and below: they would be guessed right where there is no exposure.
    distinct += Number(weight > 0) - Number(gone > 0)
    const enough = Number(sum >= tenths) & Number(distinct >= riskSlots)
    const named = enough & Number(weight > 0) & Number(cell >= perDay)
    found = named * cell + (1 - named) * found
  }
  return found < 0 ? { atRisk: false } : { atRisk: true, newest: (((from + found) / perEpoch) | 0) as Epoch }
}

const NO_ROW = new Uint8Array(SIZE.exposure)

/** Of each slot from `first` on the sum of its two largest weights. */
function slotWeights(
  lee: Uint8Array,
  now: Epoch,
  after: number,
  first: number,
  calendar: Calendar,
  parameters: Parameters,
): { readonly weights: Uint8Array; readonly cells: number } {
  const perEpoch = calendar.epochDuration / SLOT_SECONDS
  const expired = epochsIn(calendar, parameters.contagiousDays)
  const count = ROWS * Math.max(1, Math.ceil(lee.length / (ROWS * SIZE.exposure)))
  const rows = new Uint8Array(SIZE.exposure * count)
  const whole = lee.length - (lee.length % SIZE.exposure)
  const from = whole > 0 ? lee : NO_ROW
  // Not `set`, which is quicker with nothing.
  for (let k = 0; k < rows.length; k++) rows[k] = Number(k < whole) * from[Number(k < whole) * k]!
  // Usually a day ahead at most; a clock that was set back leaves more.
  let last = now + epochsIn(calendar, 1)
  for (let row = 0; row < count; row++) last = Math.max(last, readUint(rows, SIZE.exposure * row, 3))
  const cells = (last + 1) * perEpoch - first
  const largest = new Uint8Array(cells + 1)
  const weights = new Uint8Array(cells + 1)
  for (let row = 0; row < count; row++) {
    const epoch = readUint(rows, SIZE.exposure * row, 3)
    const slot = rows[SIZE.exposure * row + 3]! >> 6
    const weight = rows[SIZE.exposure * row + 3]! & 63
    const cell = epoch * perEpoch + slot - first
    const counts = Number(epoch > after) & Number(!isExpired(epoch, now, expired)) & Number(cell >= 0)
    // What does not count goes to a cell that nobody reads.
    const to = cells + counts * (cell - cells)
    const second = weights[to]! - largest[to]!
    const middle = largest[to]! + weight - larger(largest[to]!, weight)
    weights[to] = larger(largest[to]!, weight) + larger(second, middle)
    largest[to] = larger(largest[to]!, weight)
  }
  return { weights, cells }
}

/** `Math.max` is compiled to a branch. */
const larger = (a: number, b: number): number => a + (b - a) * Number(b > a)

/** `any-1`: whoever has a recent exposure at all, of whatever weight. For comparisons: the paper's plainest reading. */
function any(lee: Uint8Array, now: Epoch, after: number, calendar: Calendar, parameters: Parameters): Risk {
  const expired = epochsIn(calendar, parameters.contagiousDays)
  const counting = unpackExposures(lee).filter((e) => e.epoch > after && !isExpired(e.epoch, now, expired))
  const newest = counting.reduce<number>((last, { epoch }) => Math.max(last, epoch), -1)
  const oldest = now - epochsIn(calendar, parameters.riskNewestDays)
  return newest >= 0 && newest >= oldest ? { atRisk: true, newest: newest as Epoch } : { atRisk: false }
}
