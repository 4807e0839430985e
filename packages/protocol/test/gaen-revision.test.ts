// GAEN, revisions: the token that lists what may be revised, and what becomes of keys that the server has.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { gcmSeal } from '#crypto'
import { type Random, toHex } from '../src/bytes.ts'
import {
  type AdmittedKey,
  type DiagnosisKey,
  type IntervalNumber,
  type KnownKey,
  keyStartAt,
  openRevisionToken,
  planPublish,
  REPORT_TYPE,
  REVISABLE_KEYS,
  type ReportType,
  type RevisableKey,
  sealRevisionToken,
  transitionsFrom,
} from '../src/gaen/index.ts'
import { FieldWriter } from '../src/gaen/protobuf.ts'
import type { UnixSeconds } from '../src/time.ts'

const NOON = (Date.parse('2026-03-20T12:20:00Z') / 1000) as UnixSeconds
const START = (keyStartAt(NOON) - 2 * 144) as IntervalNumber
const SEALING_KEY = new Uint8Array(32).fill(9)
let counter = 0
const random: Random = (length) => new Uint8Array(length).fill(++counter)
const keyOfKid = (kid: string) => (kid === 'v1' ? SEALING_KEY : undefined)

const revisable = (changes: Partial<RevisableKey> = {}): RevisableKey => ({
  keyData: random(16),
  rollingStart: START,
  rollingPeriod: 144,
  ...changes,
})
const tokenOf = (keys: readonly RevisableKey[]) => sealRevisionToken('v1', SEALING_KEY, keys, random)

test('revision token: what is sealed comes back, for up to three times 28 keys', () => {
  const key = fc.record({
    keyData: fc.uint8Array({ minLength: 16, maxLength: 16 }),
    rollingStart: fc.integer({ min: 0, max: 2 ** 32 - 1 }) as fc.Arbitrary<IntervalNumber>,
    rollingPeriod: fc.integer({ min: 1, max: 144 }),
  })
  fc.assert(
    fc.property(fc.array(key, { maxLength: 84 }), (keys) => {
      const opened = openRevisionToken(tokenOf(keys), keyOfKid)
      const plain = ({ keyData, ...rest }: RevisableKey) => ({ ...rest, keyData: toHex(keyData) })
      assert.deepEqual(opened?.map(plain), keys.map(plain))
    }),
    { numRuns: 50 },
  )
})

test('revision token: its length tells only how often 28 keys are full', () => {
  const lengthOf = (count: number) => tokenOf(Array.from({ length: count }, () => revisable())).length
  for (const count of [1, 2, 14, REVISABLE_KEYS]) assert.equal(lengthOf(count), lengthOf(0))
  assert.ok(lengthOf(REVISABLE_KEYS + 1) > lengthOf(0))
  assert.equal(lengthOf(2 * REVISABLE_KEYS), lengthOf(REVISABLE_KEYS + 1))
})

test('revision token: no other key, no turned bit and no cut opens', () => {
  const token = tokenOf([revisable()])
  assert.equal(
    openRevisionToken(token, () => undefined),
    undefined,
  )
  assert.equal(
    openRevisionToken(token, () => new Uint8Array(32)),
    undefined,
  )
  const kid = token.subarray(2, 4)
  for (let k = 0; k < token.length; k += 7) {
    const turned = Uint8Array.from(token)
    turned[k]! ^= 1
    const opened = openRevisionToken(turned, keyOfKid)
    assert.equal(opened, undefined, `byte ${k}, kid ${toHex(kid)}`)
    assert.equal(openRevisionToken(token.subarray(0, k), keyOfKid), undefined, `cut at ${k}`)
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => openRevisionToken(bytes, keyOfKid) === undefined))
})

test('revision token: unknown fields of the envelope are passed over, a list that is no list is none', () => {
  const iv = new Uint8Array(12)
  const sealed = (plain: Uint8Array) => {
    const data = gcmSeal(SEALING_KEY, iv, plain, new TextEncoder().encode('vicinity revision token'))
    return new FieldWriter()
      .integer(7, 1)
      .bytesOf(1, Uint8Array.of(0x76, 0x31))
      .bytesOf(2, Uint8Array.of(...iv, ...data)).bytes
  }
  assert.deepEqual(openRevisionToken(sealed(new Uint8Array(0)), keyOfKid), [])
  assert.equal(openRevisionToken(sealed(new FieldWriter().integer(1, 1).bytes), keyOfKid), undefined)
})

test('transitions: likely to confirmed or revoked, a report of oneself to any, nothing from confirmed', () => {
  const { confirmedTest, confirmedClinicalDiagnosis, selfReport, revoked, unknown } = REPORT_TYPE
  assert.deepEqual(transitionsFrom(confirmedClinicalDiagnosis), [confirmedTest, revoked])
  assert.deepEqual(transitionsFrom(selfReport), [confirmedTest, confirmedClinicalDiagnosis, revoked])
  for (const type of [confirmedTest, revoked, unknown]) assert.deepEqual(transitionsFrom(type), [])
})

const { confirmedTest: CONFIRMED, confirmedClinicalDiagnosis: LIKELY, revoked: REVOKED, selfReport: SELF } = REPORT_TYPE
const diagnosisKey = (reportType: ReportType, changes: Partial<DiagnosisKey> = {}): DiagnosisKey => ({
  ...revisable(),
  transmissionRisk: 0,
  reportType,
  daysSinceOnset: 1,
  ...changes,
})
const admit = (key: DiagnosisKey): AdmittedKey => ({ key, release: NOON })
const plan = (keys: readonly DiagnosisKey[], known: readonly KnownKey[], token: Parameters<typeof planPublish>[2]) =>
  planPublish(keys.map(admit), new Map(known.map((row) => [toHex(row.key.keyData), row])), token, NOON)
const asKnown = (key: DiagnosisKey, revision?: DiagnosisKey): KnownKey => ({ key, revision })

test('revision: new keys are inserted and listed, with or without a token', () => {
  for (const token of ['none', 'invalid', []] as const) {
    const key = diagnosisKey(CONFIRMED)
    const outcome = plan([key], [], token)
    assert.ok(outcome.ok)
    assert.equal(outcome.value.inserts.length, 1)
    assert.deepEqual(
      outcome.value.revisable.map(({ keyData }) => keyData),
      [key.keyData],
    )
  }
})

test('revision: a negative test inserts nothing, and what it names may be revised', () => {
  const outcome = plan([diagnosisKey(REVOKED)], [], 'none')
  assert.ok(outcome.ok)
  assert.deepEqual([outcome.value.inserts.length, outcome.value.revisable.length], [0, 1])
})

test('revision: a key that is there needs a token that opens and lists it with its period', () => {
  const key = diagnosisKey(LIKELY)
  const again = { ...key, reportType: CONFIRMED }
  const reasonOf = (token: Parameters<typeof planPublish>[2], sent = again) => {
    const outcome = plan([sent], [asKnown(key)], token)
    return outcome.ok ? 'planned' : outcome.reason
  }
  assert.equal(reasonOf('none'), 'missing_revision_token')
  assert.equal(reasonOf('invalid'), 'invalid_revision_token')
  assert.equal(reasonOf([revisable()]), 'invalid_revision_token')
  assert.equal(reasonOf([{ ...key, rollingPeriod: 143 }]), 'invalid_revision_token')
  assert.equal(reasonOf([{ ...key, rollingStart: (START - 1) as IntervalNumber }]), 'invalid_revision_token')
  assert.equal(reasonOf([key], { ...again, rollingPeriod: 143 }), 'internal_error')
  assert.equal(reasonOf([key]), 'planned')
})

test('revision: once, along a transition; the same report again changes nothing', () => {
  const revisedTo = (before: KnownKey, reportType: ReportType) => {
    const outcome = plan([{ ...before.key, reportType }], [before], [before.key])
    return outcome.ok ? outcome.value.revisions.map(({ revision }) => revision.reportType) : outcome.reason
  }
  const likely = diagnosisKey(LIKELY)
  assert.deepEqual(revisedTo(asKnown(likely), CONFIRMED), [CONFIRMED])
  assert.deepEqual(revisedTo(asKnown(likely), REVOKED), [REVOKED])
  assert.deepEqual(revisedTo(asKnown(likely), LIKELY), [])
  assert.equal(revisedTo(asKnown(likely), SELF), 'invalid_report_type_transition')
  assert.equal(revisedTo(asKnown(diagnosisKey(CONFIRMED)), REVOKED), 'invalid_report_type_transition')
  const confirmed = asKnown(likely, { ...likely, reportType: CONFIRMED })
  assert.deepEqual(revisedTo(confirmed, CONFIRMED), [])
  assert.equal(revisedTo(confirmed, REVOKED), 'key_already_revised')
})

test('revision: one refused key refuses all, and a key that is sent twice counts once', () => {
  const [old, fresh] = [diagnosisKey(CONFIRMED), diagnosisKey(CONFIRMED)]
  assert.deepEqual(plan([fresh, old], [asKnown(old)], 'none'), { ok: false, reason: 'missing_revision_token' })
  const outcome = plan([fresh, fresh], [], 'none')
  assert.ok(outcome.ok && outcome.value.inserts.length === 1)
})

test('revision: the next token lists what this publish and its token name, the too old left out, at most 84', () => {
  const fresh = diagnosisKey(CONFIRMED)
  const oldest = (Math.floor((NOON - 360 * 3600) / 600) - 144) as IntervalNumber
  const kept = revisable({ rollingStart: oldest })
  const gone = revisable({ rollingStart: (oldest - 1) as IntervalNumber })
  const outcome = plan([fresh], [], [kept, gone, { ...revisable(), keyData: fresh.keyData }])
  assert.ok(outcome.ok)
  assert.deepEqual(
    outcome.value.revisable.map(({ keyData }) => toHex(keyData)),
    [toHex(fresh.keyData), toHex(kept.keyData)],
  )
  const many = plan(
    [fresh],
    [],
    Array.from({ length: 100 }, () => revisable()),
  )
  assert.ok(many.ok && many.value.revisable.length === 84)
})
