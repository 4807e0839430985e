import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Reception, riskOfScores, SCORING_V2, scoreContact } from '../src/robert/scoring-v2.ts'
import { holds, readVectors } from './fixture.ts'

interface Vectors {
  readonly params: Readonly<Record<string, unknown>>
  readonly vectors: readonly {
    readonly name: string
    readonly group: string
    readonly t0: number
    readonly dt: readonly number[]
    readonly rssi: readonly number[]
    readonly expected: { readonly rssiScore: number; readonly duration: number; readonly nbContacts: number }
  }[]
  readonly aggregate: readonly { readonly group: string; readonly finalRisk: number }[]
}

const { params, vectors, aggregate } = readVectors('robert-scoring-v2.json') as Vectors
const TOLERANCE = params['epochToleranceSeconds'] as number
const near = (actual: number, expected: number, what: string) =>
  assert.ok(Math.abs(actual - expected) <= 1e-9, `${what}: ${actual}, not ${expected}`)

const receptionsOf = ({ t0, dt, rssi }: Vectors['vectors'][number]): Reception[] =>
  dt.map((offset, k) => ({ time: t0 + offset, strength: rssi[k]! }))

/** Receptions of one strength at these seconds. */
const heard = (strength: number, ...seconds: readonly number[]): Reception[] =>
  seconds.map((time) => ({ time, strength }))

test('tac-v2 has the values of the deployed system', () => {
  assert.deepEqual(params, {
    deltas: SCORING_V2.deltas,
    rssiMax: SCORING_V2.strongest,
    rssiDropAbove: SCORING_V2.dropAbove,
    p0: SCORING_V2.leastStrength,
    softMaxA: SCORING_V2.strengthSoftness,
    softMaxB: SCORING_V2.riskSoftness,
    epochMinutes: SCORING_V2.minutes,
    epochToleranceSeconds: 180,
    r0: SCORING_V2.rate,
    scale: SCORING_V2.scale,
  })
})

test('tac-v2: score, duration and windows of all 127 published contacts', () => {
  let ran = 0
  for (const vector of vectors) {
    const { score, duration, riskyWindows } = scoreContact(receptionsOf(vector), TOLERANCE)
    near(score, vector.expected.rssiScore, vector.name)
    assert.equal(duration, vector.expected.duration, vector.name)
    assert.equal(riskyWindows, vector.expected.nbContacts, vector.name)
    ran++
  }
  assert.equal(ran, 127)
})

test('tac-v2: the risk of the 2 published groups of contacts', () => {
  for (const { group, finalRisk } of aggregate) {
    const contacts = vectors.filter((vector) => vector.group === group)
    assert.ok(contacts.length > 1)
    const { risk, atRisk } = riskOfScores(
      contacts.map((contact) => scoreContact(receptionsOf(contact), TOLERANCE).score),
    )
    near(risk, finalRisk, group)
    assert.equal(atRisk, true)
  }
  assert.equal(aggregate.length, 2)
})

test('tac-v2: a contact longer than an epoch and the tolerance scores nothing', () => {
  const lasting = (seconds: number) => heard(-40, 0, 60, 120, seconds)
  assert.ok(scoreContact(lasting(900)).score > 0)
  assert.deepEqual(scoreContact(lasting(901)), { score: 0, duration: 0, riskyWindows: 0 })
  assert.ok(scoreContact(lasting(1080), 180).score > 0)
  assert.equal(scoreContact(lasting(1081), 180).score, 0)
})

test('tac-v2: minute 15 is lost, later ones count in minute 14', () => {
  assert.equal(scoreContact(heard(-40, 0, 900, 959), 180).duration, 0)
  assert.equal(scoreContact(heard(-40, 0, 899), 180).duration, 14)
  assert.equal(scoreContact(heard(-40, 0, 960), 180).duration, 14)
})

test('tac-v2: what is stronger than -5 dBm is dropped, what is stronger than -35 is clipped', () => {
  assert.equal(scoreContact(heard(-4, 0, 60)).duration, 0)
  assert.equal(scoreContact([]).score, 0)
  const loud = heard(-5, 0, 30, 60, 90, 120)
  assert.equal(scoreContact(loud).duration, 2)
  assert.deepEqual(scoreContact(loud), scoreContact(heard(-35, 0, 30, 60, 90, 120)))
  assert.equal(scoreContact(heard(-66, 0, 30, 60)).riskyWindows, 0)
})

test('tac-v2: one epoch alone never puts anybody at risk', () => {
  const strongest = heard(-35, ...Array.from({ length: 900 }, (_, second) => second))
  const { score } = scoreContact(strongest)
  assert.equal(score, 14)
  assert.equal(riskOfScores([score]).atRisk, false)
  assert.equal(riskOfScores([score, 0.84]).atRisk, true)
  assert.deepEqual(riskOfScores([]), { risk: 0, atRisk: false })
})

test('tac-v2: whatever was received, the score is 0 to 14 minutes and no more than the duration', () => {
  const reception = fc.record({
    time: fc.integer({ min: -2000, max: 2000 }),
    strength: fc.integer({ min: -127, max: 20 }),
  })
  holds(
    fc.property(fc.array(reception), fc.nat(300), (receptions, tolerance) => {
      const { score, duration, riskyWindows } = scoreContact(receptions, tolerance)
      assert.ok(score >= 0 && score <= duration && duration <= 14)
      assert.ok(riskyWindows >= 0 && riskyWindows <= 15)
    }),
  )
})
