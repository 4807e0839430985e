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

/** A score over the exposures that count: unexpired, and newer than the last warning or negative test. */
type RiskFunction = (exposures: readonly Exposure[], oldest: number, calendar: Calendar, parameters: Parameters) => Risk

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
  const expired = epochsIn(calendar, parameters.contagiousDays)
  const counting = unpackExposures(lee).filter((e) => e.epoch > after && !isExpired(e.epoch, now, expired))
  return RISK_FUNCTIONS[name](counting, now - epochsIn(calendar, parameters.riskNewestDays), calendar, parameters)
}

/**
 * `slots-1`: within some 24 hours at least `riskMinutes` weighted minutes in at least `riskSlots` distinct slots, the newest of
 * them at most `riskNewestDays` old. Of each (epoch, slot) the two largest weights count, so that one patient cannot warn by
 * repetition (docs/divergences.md, 12).
 */
function slots(exposures: readonly Exposure[], oldest: number, calendar: Calendar, parameters: Parameters): Risk {
  const weighed = slotWeights(exposures)
  const slotsPerEpoch = calendar.epochDuration / SLOT_SECONDS
  const slotsPerDay = DAY_SECONDS / SLOT_SECONDS
  let from = 0
  let sum = 0
  // Newest window last, so the newest sufficient exposure is the answer.
  let found: Epoch | undefined
  weighed.forEach((slot, to) => {
    sum += slot.weight
    const since = position(slot, slotsPerEpoch) - slotsPerDay
    while (position(weighed[from]!, slotsPerEpoch) <= since) sum -= weighed[from++]!.weight
    const enough = sum >= 10 * parameters.riskMinutes && to - from + 1 >= parameters.riskSlots
    if (enough && slot.epoch >= oldest) found = slot.epoch
  })
  return found === undefined ? { atRisk: false } : { atRisk: true, newest: found }
}

/** `any-1`: whoever has a recent exposure at all, of whatever weight. For comparisons: the paper's plainest reading. */
function any(exposures: readonly Exposure[], oldest: number): Risk {
  const newest = exposures.reduce<number>((last, { epoch }) => Math.max(last, epoch), -1)
  return newest >= 0 && newest >= oldest ? { atRisk: true, newest: newest as Epoch } : { atRisk: false }
}

const position = (slot: Exposure, slotsPerEpoch: number): number => slot.epoch * slotsPerEpoch + slot.slot

/** One entry per (epoch, slot) that weighs anything, ascending: the sum of its two largest weights. */
function slotWeights(exposures: readonly Exposure[]): Exposure[] {
  const sorted = exposures.filter((e) => e.weight > 0)
  sorted.sort((a, b) => a.epoch - b.epoch || a.slot - b.slot || b.weight - a.weight)
  const slots: Exposure[] = []
  let counted = 0
  for (const exposure of sorted) {
    const last = slots.at(-1)
    if (last === undefined || last.epoch !== exposure.epoch || last.slot !== exposure.slot) {
      slots.push(exposure)
      counted = 1
    } else if (counted < 2) {
      slots[slots.length - 1] = { ...last, weight: last.weight + exposure.weight }
      counted++
    }
  }
  return slots
}
