// Diagnosis keys of two weeks and what phones heard meanwhile, by the rhythm of their owners.
import { createCipheriv } from 'node:crypto'
import { type DiagnosisKeys, emptyKeys, type Sightings } from '@vicinity/protocol/gaen'
import { identifierKeyOf, identifierOf } from '../packages/protocol/test/oracle/matching.ts'

const DAYS = 14
const DAY = 144
const FIRST = 20_500 * DAY
const HOUR = 3600
const TOLERANCE = 7200

/** Chance from a seed: bytes, and numbers below a limit. */
export function chanceOf(seed: string) {
  const stream = createCipheriv('aes-128-ctr', Buffer.alloc(16, seed), Buffer.alloc(16))
  const bytes = (length: number): Uint8Array => new Uint8Array(stream.update(Buffer.alloc(length)))
  let drawn: Uint32Array = new Uint32Array(0)
  let next = 0
  const unit = (): number => {
    if (next === drawn.length) {
      drawn = new Uint32Array(bytes(1 << 16).buffer)
      next = 0
    }
    return drawn[next++]! / 2 ** 32
  }
  return { bytes, unit, below: (limit: number): number => Math.floor(limit * unit()) }
}
type Chance = ReturnType<typeof chanceOf>

/** Keys of all days, nine in ten of a whole day. */
export function someKeys(count: number, chance: Chance): DiagnosisKeys {
  const keys = emptyKeys(count)
  keys.keyData.set(chance.bytes(16 * count))
  for (let k = 0; k < count; k++) {
    keys.starts[k] = FIRST + DAY * chance.below(DAYS)
    if (chance.below(10) === 0) keys.periods[k] = 1 + chance.below(DAY - 1)
  }
  return keys
}

/** Seconds of a day at which something is heard. */
type Rhythm = (day: number, chance: Chance) => number | undefined

const between = (from: number, to: number, { unit }: Chance): number => HOUR * (from + (to - from) * unit())

/** What people hear when: on the way to work and back, at lunch, and in between; later and longer on weekends. */
const office: Rhythm = (day, chance) => {
  if (day % 7 >= 5) return between(9, 23, chance)
  const share = chance.unit()
  if (share < 0.2) return between(7.5, 8.5, chance)
  if (share < 0.35) return between(12, 13, chance)
  return share < 0.55 ? between(17.5, 18.5, chance) : between(7, 23, chance)
}
/** A phone beside others that are on all night. */
const household: Rhythm = (_, chance) => between(0, 24, chance)
/** Two bursts on two days of three. */
const bursts: Rhythm = (day, chance) => {
  if (day % 3 === 2) return undefined
  return chance.below(2) === 0 ? between(9, 9.5, chance) : between(17, 17.5, chance)
}

export const RHYTHMS = { office, household, bursts } as const

/** Pairs that match in each set, and identifiers of keys that are just outside. */
export const MATCHES = 50
export const DECOYS = 15

/** A time at which the owner of the phone is about, in seconds. */
function someTime(rhythm: Rhythm, chance: Chance): number {
  for (;;) {
    const day = chance.below(DAYS)
    const second = rhythm(day, chance)
    if (second !== undefined) return Math.floor(600 * (FIRST + DAY * day) + second)
  }
}

/** Of some key an identifier that is heard at the very end of the tolerance, or just outside: too early, too late, or after the key's end. */
function planted(keys: DiagnosisKeys, rhythm: Rhythm, chance: Chance, outside: boolean) {
  for (;;) {
    const start = 600 * Math.floor(someTime(rhythm, chance) / 600)
    const side = chance.below(2) === 0 ? 1 : -1
    const interval = start / 600 + (side * TOLERANCE) / 600
    const key = chance.below(keys.count)
    const after = interval - keys.starts[key]!
    if (after < 0 || after >= DAY) continue
    const ended = after >= keys.periods[key]!
    if (ended && !outside) continue
    const identifierKey = identifierKeyOf(keys.keyData.subarray(16 * key, 16 * (key + 1)))
    return { time: start - (outside && !ended ? side : 0), identifier: identifierOf(identifierKey, interval) }
  }
}

/** Sightings in the order of time. Of `keys` 50 were there, at the very ends of the tolerance, and 15 look as if. */
export function heardBy(rhythm: Rhythm, count: number, keys: DiagnosisKeys, chance: Chance): Sightings {
  const heard = Array.from({ length: MATCHES + DECOYS }, (_, n) => planted(keys, rhythm, chance, n >= MATCHES))
  const others = chance.bytes(16 * count)
  for (let n = heard.length; n < count; n++) {
    heard.push({ time: someTime(rhythm, chance), identifier: others.subarray(16 * n, 16 * (n + 1)) })
  }
  heard.sort((a, b) => a.time - b.time)
  const identifiers = new Uint8Array(16 * count)
  heard.forEach(({ identifier }, n) => void identifiers.set(identifier, 16 * n))
  return { count, identifiers, times: Float64Array.from(heard, ({ time }) => time) }
}
