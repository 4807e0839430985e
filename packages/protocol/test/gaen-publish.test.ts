// GAEN, publish of the key server, version 1: each rule at both of its edges.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  admitKeys,
  backfilledRisk,
  type IntervalNumber,
  intervalAt,
  keyStartAt,
  type PublishReport,
  parsePublish,
  REPORT_TYPE,
  type SentKey,
} from '../src/gaen/index.ts'
import { Malformed } from '../src/outcome.ts'
import type { UnixSeconds } from '../src/time.ts'

const NOON = (Date.parse('2026-03-20T12:20:00Z') / 1000) as UnixSeconds
const TODAY = keyStartAt(NOON)
const DAY = 144
let made = 0
const keyText = () => Buffer.alloc(16, ++made).toString('base64')
const sent = (age: number, changes: Partial<SentKey> = {}): SentKey => ({
  key: keyText(),
  rollingStartNumber: TODAY - age * DAY,
  rollingPeriod: DAY,
  transmissionRisk: 0,
  ...changes,
})
const REPORT: PublishReport = { reportType: REPORT_TYPE.confirmedTest, symptomOnset: undefined }
const requestOf = (keys: readonly SentKey[], changes: object = {}) =>
  parsePublish({ temporaryExposureKeys: keys, healthAuthorityID: 'Vicinity', padding: '', ...changes })
const admit = (keys: readonly SentKey[], changes: object = {}, report = REPORT, at = NOON) =>
  admitKeys(requestOf(keys, changes), report, at)
const admitted = (...parts: Parameters<typeof admit>) => {
  const outcome = admit(...parts)
  assert.ok(outcome.ok, outcome.ok ? '' : outcome.reason)
  return outcome.value
}
const reasonOf = (...parts: Parameters<typeof admit>): string => {
  const outcome = admit(...parts)
  return outcome.ok ? 'admitted' : outcome.reason
}
const onlyKey = (...parts: Parameters<typeof admit>) => admitted(...parts).keys[0]!.key

test('publish: names count in whatever case, null counts as absent, the authority is in lower case', () => {
  const request = parsePublish({
    TEMPORARYexposurekeys: [{ KEY: 'a', rollingstartnumber: 1, rollingPeriod: 2, transmissionRisk: null }],
    healthAuthorityID: 'COM.Example',
    hmackey: 'b',
    traveler: true,
    revisionToken: null,
    symptomOnsetInterval: null,
  })
  assert.deepEqual(request, {
    keys: [{ key: 'a', rollingStartNumber: 1, rollingPeriod: 2, transmissionRisk: 0 }],
    healthAuthorityId: 'com.example',
    verificationPayload: '',
    hmacKey: 'b',
    symptomOnsetInterval: 0,
    traveler: true,
    revisionToken: '',
    padding: '',
  })
  assert.deepEqual(parsePublish({ temporaryExposureKeys: null }).keys, [])
})

test('publish: another shape is malformed and the field named', () => {
  const cases: readonly (readonly [unknown, string])[] = [
    [undefined, 'body'],
    [null, 'body'],
    [[], 'body'],
    ['text', 'body'],
    [{ unknown: 1 }, 'body'],
    [{ temporaryExposureKeys: {} }, 'temporaryExposureKeys'],
    [{ temporaryExposureKeys: [1] }, 'temporaryExposureKeys[0]'],
    [{ temporaryExposureKeys: [{ nothing: 1 }] }, 'temporaryExposureKeys[0]'],
    [{ temporaryExposureKeys: [{ key: 1 }] }, 'key'],
    [{ temporaryExposureKeys: [{ rollingPeriod: '1' }] }, 'rollingPeriod'],
    [{ temporaryExposureKeys: [{ rollingStartNumber: 2 ** 31 }] }, 'rollingStartNumber'],
    [{ temporaryExposureKeys: [{ transmissionRisk: 0.5 }] }, 'transmissionRisk'],
    [{ healthAuthorityID: 1 }, 'healthAuthorityID'],
    [{ traveler: 'yes' }, 'traveler'],
  ]
  for (const [json, field] of cases) {
    assert.throws(
      () => parsePublish(json),
      (error) => error instanceof Malformed && error.field === field,
      JSON.stringify(json),
    )
  }
})

test('publish: any JSON is a request or malformed', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (json) => {
      try {
        parsePublish(json)
      } catch (error) {
        assert.ok(error instanceof Malformed)
      }
    }),
  )
})

test('publish: 1 to 30 keys', () => {
  assert.equal(reasonOf([]), 'no exposure keys in publish request')
  const keys = Array.from({ length: 31 }, (_, k) => sent(1 + Math.floor(k / 3), { rollingPeriod: 1 + (k % 3) }))
  assert.equal(admitted(keys.slice(0, 30)).keys.length, 30)
  assert.equal(reasonOf(keys), 'too many exposure keys in publish: at most 30')
})

test('publish: a key is 16 bytes of base64 in either alphabet, padded or not', () => {
  const bytes = Buffer.from('fbf0fbf0fbf0fbf0fbf0fbf0fbf0fbf0', 'hex')
  const forms = [bytes.toString('base64'), bytes.toString('base64url'), bytes.toString('base64').replaceAll('=', '')]
  for (const key of forms)
    assert.equal(Buffer.from(onlyKey([sent(1, { key })]).keyData).toString('hex'), bytes.toString('hex'))
  for (const key of ['', '!', Buffer.alloc(15).toString('base64'), Buffer.alloc(17).toString('base64')]) {
    assert.equal(reasonOf([sent(1, { key })]), 'key 0 cannot be imported: not 16 bytes of base64')
  }
})

test('publish: periods 1 to 144, risks 0 to 8, no start ahead, no end more than 360 hours ago', () => {
  const now = intervalAt(NOON)
  const oldest = now - 360 * 6
  const cases: readonly (readonly [Partial<SentKey>, string])[] = [
    [{ rollingPeriod: 1 }, 'admitted'],
    [{ rollingPeriod: 0 }, 'rolling period is not 1 to 144'],
    [{ rollingPeriod: 145 }, 'rolling period is not 1 to 144'],
    [{ transmissionRisk: 8 }, 'admitted'],
    [{ transmissionRisk: 9 }, 'transmission risk is not 0 to 8'],
    [{ transmissionRisk: -1 }, 'transmission risk is not 0 to 8'],
    [{ rollingStartNumber: now }, 'admitted'],
    [{ rollingStartNumber: now + 1 }, 'key starts in the future'],
    [{ rollingStartNumber: oldest - DAY }, 'admitted'],
    [{ rollingStartNumber: oldest - DAY - 1 }, 'key is too old'],
    [{ rollingStartNumber: -5 }, 'key is too old'],
  ]
  for (const [changes, reason] of cases) {
    const expected = reason === 'admitted' ? reason : `key 0 cannot be imported: ${reason}`
    const onset = intervalAt((NOON - 8 * 86_400) as UnixSeconds)
    assert.equal(reasonOf([sent(1, changes)], { symptomOnsetInterval: onset }), expected, JSON.stringify(changes))
  }
})

test('publish: a key that cannot be taken is left out and said, while another can', () => {
  const { keys, errors } = admitted([sent(1), sent(2, { rollingPeriod: 0 })])
  assert.equal(keys.length, 1)
  assert.deepEqual(errors, ['key 1 cannot be imported: rolling period is not 1 to 144'])
  const nothing = reasonOf([sent(1, { rollingPeriod: 0 }), sent(2, { transmissionRisk: 9 })])
  assert.match(nothing, /^key 0 .*; key 1 /)
})

test('publish: keys of one start may overlap, three of them; others may not', () => {
  const start = TODAY - 2 * DAY
  const cut = (rollingPeriod: number) => sent(2, { rollingPeriod })
  assert.equal(admitted([cut(50), cut(100), cut(144)]).keys.length, 3)
  assert.match(reasonOf([cut(50), cut(60), cut(100), cut(144)]), /too many overlapping keys for one start interval/)
  assert.equal(admitted([cut(50), sent(2, { rollingStartNumber: start + 50, rollingPeriod: 94 })]).keys.length, 2)
  const overlapping = [sent(2, { rollingStartNumber: start + 49, rollingPeriod: 94 }), cut(50)]
  assert.equal(reasonOf(overlapping), 'exposure keys have non aligned overlapping intervals')
})

test('publish: the risk of a report stands where the phone gives none', () => {
  const cases = [
    [REPORT_TYPE.confirmedTest, 2],
    [REPORT_TYPE.confirmedClinicalDiagnosis, 4],
    [REPORT_TYPE.selfReport, 0],
    [REPORT_TYPE.revoked, 6],
  ] as const
  for (const [reportType, risk] of cases) {
    assert.equal(backfilledRisk(reportType, 0), risk)
    assert.equal(onlyKey([sent(1)], {}, { ...REPORT, reportType }).transmissionRisk, risk)
    assert.equal(onlyKey([sent(1, { transmissionRisk: 7 })], {}, { ...REPORT, reportType }).transmissionRisk, 7)
  }
})

test('publish: onset is the word of the phone, else of the certificate, else four days ago; each at most 28 days back', () => {
  const interval = (days: number) => intervalAt((NOON - days * 86_400) as UnixSeconds)
  const daysOf = (body: number, certificate: number | undefined) =>
    onlyKey([sent(1)], { symptomOnsetInterval: body }, { ...REPORT, symptomOnset: certificate as IntervalNumber })
      .daysSinceOnset
  assert.equal(daysOf(interval(3), interval(5)), 2)
  assert.equal(daysOf(0, interval(5)), 4)
  assert.equal(daysOf(intervalAt(NOON), interval(5)), 4, 'an onset of this interval is none')
  assert.equal(daysOf(intervalAt(NOON) - 1, interval(5)), -1)
  assert.equal(daysOf(0, undefined), 3)
  assert.equal(daysOf(interval(29), undefined), 3)
  assert.equal(daysOf(0, interval(29)), 3)
})

test('publish: a key more than 14 days from the onset is left out with a warning, which is no error', () => {
  const { keys, warnings, errors } = admitted([sent(15), sent(14)], { symptomOnsetInterval: TODAY })
  assert.deepEqual([keys.map(({ key }) => key.daysSinceOnset), errors], [[-14], []])
  assert.deepEqual(warnings, ['key 0 symptom onset is too large - saving without this key'])
  const long = admitted([sent(1), sent(14)], { symptomOnsetInterval: TODAY - 28 * DAY })
  assert.deepEqual(long.warnings, ['key 0 symptom onset is too large - saving without this key'])
  assert.equal(long.keys[0]!.key.daysSinceOnset, 14)
  assert.equal(
    admitted([sent(1)], { symptomOnsetInterval: TODAY - 28 * DAY }).keys.length,
    0,
    'nothing left, and success',
  )
})

test('publish: a key counts as arrived in the full hour, a valid one in the hour after its end', () => {
  const releases = (keys: readonly SentKey[]) => admitted(keys).keys.map(({ release }) => release - NOON)
  const toHour = -20 * 60
  assert.deepEqual(releases([sent(1)]), [toHour])
  const untilNow = intervalAt(NOON) - TODAY
  assert.deepEqual(releases([sent(0, { rollingPeriod: untilNow })]), [toHour])
  // One interval more: it ends at 12:30, and 13:00 is the first hour after.
  assert.deepEqual(releases([sent(0, { rollingPeriod: untilNow + 1 })]), [40 * 60])
  assert.deepEqual(releases([sent(0)]), [(12 * 60 + 40) * 60])
})
