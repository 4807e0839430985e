// Where each person stands in the picture: those who spend much time together stand together. No chance: the same contacts give
// the same picture.
import type { Pair } from './contacts.ts'

export interface Place {
  readonly x: number
  readonly y: number
}

const SIDE = 1000
const MOST_ROUNDS = 250
/** Pairs of people looked at in all; beyond some thousand people the picture is coarse and still made in seconds. */
const WORK = 40_000_000
/** Radians between neighbours of a sunflower: a start without order and without two in one place. */
const GOLDEN_ANGLE = 2.399963229728653
/** Shorter meetings say little about who belongs together. */
const LEAST_SECONDS = 120
const BY_RANK = 0.75

export function layOut(people: number, pairs: readonly Pair[]): Place[] {
  const x = new Float64Array(people)
  const y = new Float64Array(people)
  for (let k = 0; k < people; k++) {
    const radius = 0.5 * Math.sqrt((k + 0.5) / people)
    x[k] = radius * Math.cos(k * GOLDEN_ANGLE)
    y[k] = radius * Math.sin(k * GOLDEN_ANGLE)
  }
  const springs = pairs.filter(({ seconds }) => seconds >= LEAST_SECONDS)
  const rounds = Math.min(MOST_ROUNDS, Math.floor(WORK / (people * people)))
  for (let round = 0; round < rounds; round++) move(x, y, springs, 0.08 * (1 - round / rounds) + 0.001)
  const spread = ranked(x, y)
  for (let round = 0; round < Math.min(60, rounds); round++) keepApart(spread.x, spread.y)
  return Array.from(spread.x, (at, k) => ({ x: Math.round(at * SIDE), y: Math.round(spread.y[k]! * SIDE) }))
}

/** One round after Fruchterman and Reingold: all push each other away, who met is drawn together, nobody moves beyond `most`. */
function move(x: Float64Array, y: Float64Array, springs: readonly Pair[], most: number): void {
  const people = x.length
  const ideal = 1 / Math.sqrt(people)
  const dx = new Float64Array(people)
  const dy = new Float64Array(people)
  for (let i = 0; i < people; i++) {
    for (let j = 0; j < i; j++) {
      const ax = x[i]! - x[j]!
      const ay = y[i]! - y[j]!
      const push = (ideal * ideal) / Math.max(ax * ax + ay * ay, 1e-6)
      dx[i]! += ax * push
      dy[i]! += ay * push
      dx[j]! -= ax * push
      dy[j]! -= ay * push
    }
  }
  for (const { a, b, seconds } of springs) {
    const ax = x[a]! - x[b]!
    const ay = y[a]! - y[b]!
    const pull = (Math.sqrt(ax * ax + ay * ay) / ideal) * Math.min(Math.sqrt(seconds / 3600), 2) * 0.6
    dx[a]! -= ax * pull
    dy[a]! -= ay * pull
    dx[b]! += ax * pull
    dy[b]! += ay * pull
  }
  for (let k = 0; k < people; k++) {
    // Who met nobody must not drift away.
    dx[k]! -= x[k]! * 0.8
    dy[k]! -= y[k]! * 0.8
    const step = Math.sqrt(dx[k]! * dx[k]! + dy[k]! * dy[k]!)
    const share = Math.min(most, step) / Math.max(step, 1e-9)
    x[k]! += dx[k]! * share
    y[k]! += dy[k]! * share
  }
}

/** Mostly by rank, the rest where the forces put them: fills the square and keeps who stands beside whom. */
function ranked(x: Float64Array, y: Float64Array): { readonly x: Float64Array; readonly y: Float64Array } {
  return { x: spreadOut(x), y: spreadOut(y) }
}

function spreadOut(values: Float64Array): Float64Array {
  const order = Array.from(values, (_, k) => k).sort((a, b) => values[a]! - values[b]! || a - b)
  const [least, most] = [values[order[0]!]!, values[order.at(-1)!]!]
  const out = new Float64Array(values.length)
  order.forEach((k, rank) => {
    const byRank = (rank + 0.5) / values.length
    out[k] = BY_RANK * byRank + ((1 - BY_RANK) * (values[k]! - least)) / Math.max(most - least, 1e-9)
  })
  return out
}

/** Pushes apart those who overlap, and keeps all inside. */
function keepApart(x: Float64Array, y: Float64Array): void {
  const least = 0.72 / Math.sqrt(x.length)
  for (let i = 0; i < x.length; i++) {
    for (let j = 0; j < i; j++) {
      const ax = x[i]! - x[j]!
      const ay = y[i]! - y[j]!
      const distance = Math.sqrt(ax * ax + ay * ay)
      if (distance >= least) continue
      const share = (least - distance) / (2 * Math.max(distance, 1e-6))
      x[i]! += ax * share
      y[i]! += ay * share
      x[j]! -= ax * share
      y[j]! -= ay * share
    }
    x[i] = Math.min(Math.max(x[i]!, 0), 1)
    y[i] = Math.min(Math.max(y[i]!, 0), 1)
  }
}
