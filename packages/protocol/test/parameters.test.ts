import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  DEFAULT_PARAMETERS,
  LAST_SERVICE_EPOCH,
  PARAMETERS,
  type ParameterName,
  type Parameters,
  withParameters,
} from '../src/robert/parameters.ts'
import { parametersFor, SPEC } from '../src/robert/profile.ts'
import { LAST_EPOCH } from '../src/time.ts'

const names = Object.keys(PARAMETERS) as ParameterName[]
/** A long poll and short epochs: room for each parameter to reach its bounds under the rule between poll and gap. */
const ROOM: Partial<Parameters> = { epochDuration: 300, pollInterval: 86_400, pollJitter: 0, statusGap: 1 }

test('the defaults are in force, within their bounds, and obey the rules between parameters', () => {
  assert.deepEqual(withParameters({}), DEFAULT_PARAMETERS)
  assert.deepEqual(withParameters(DEFAULT_PARAMETERS), DEFAULT_PARAMETERS)
  assert.ok(Object.isFrozen(DEFAULT_PARAMETERS))
  assert.equal(names.length, Object.keys(DEFAULT_PARAMETERS).length)
})

test('the defaults are those of the published table', () => {
  assert.deepEqual(DEFAULT_PARAMETERS, {
    epochDuration: 900,
    bundleDays: 4,
    statusGap: 24,
    pollInterval: 28_800,
    pollJitter: 5400,
    helloTolerance: 12,
    requestTolerance: 60,
    contagiousDays: 14,
    tokensPerDay: 256,
    tokenChunk: 64,
    uploadSpread: 86_400,
    poolWindow: 21_600,
    filterMinutes: 2,
    riskMinutes: 15,
    riskSlots: 3,
    riskNewestDays: 10,
    fullStrength: -63,
    halfStrength: -73,
    notifiedDays: 10,
    falseAlarms: 0,
    proofOfWork: 16,
    challengeLife: 300,
    codeDays: 3,
    unopenedReplies: 3,
  })
  assert.deepEqual(parametersFor(SPEC), DEFAULT_PARAMETERS)
})

for (const name of names) {
  const { least, most, unit } = PARAMETERS[name]
  test(`parameter ${name} takes ${least} to ${most} ${unit} and nothing beyond`, () => {
    for (const value of [least, most]) assert.equal(withParameters({ ...ROOM, [name]: value })[name], value)
    for (const value of [
      least - 1,
      most + 1,
      least + 0.5,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      '1',
      null,
      undefined,
    ]) {
      assert.throws(
        () => withParameters({ ...ROOM, [name]: value }),
        (error) => error instanceof RangeError && error.message.startsWith(`parameter ${name}: `),
        `${value}`,
      )
    }
  })
}

test('a name that is no parameter is refused, also one that every object has', () => {
  for (const name of ['toString', 'constructor', '__proto__', 'hasOwnProperty', 'valueOf', 'epochduration', '']) {
    const chosen = JSON.parse(`{"${name}": 1}`) as Partial<Parameters>
    assert.throws(() => withParameters(chosen), new RangeError(`parameter ${name}: there is none of this name`))
  }
})

test('ROBERT §7 step 8: the shortest poll is never shorter than T epochs', () => {
  assert.equal(withParameters({ statusGap: 26 }).statusGap, 26)
  const refusal = /^RangeError: parameter pollInterval: less pollJitter/
  assert.throws(() => withParameters({ statusGap: 27 }), refusal)
  assert.throws(() => withParameters({ pollJitter: 7201 }), refusal)
  assert.throws(() => withParameters({ epochDuration: 1200 }), refusal)
  assert.equal(withParameters({ statusGap: 96, pollInterval: 86_400, pollJitter: 0 }).statusGap, 96)
  assert.throws(() => withParameters({ statusGap: 97, pollInterval: 86_400, pollJitter: 0 }), refusal)
})

test('an epoch is a whole number of slots of 300 s', () => {
  for (const epochDuration of [300, 600, 900, 1200]) {
    assert.equal(withParameters({ ...ROOM, epochDuration }).epochDuration, epochDuration)
  }
  for (const epochDuration of [301, 450, 899, 1000]) {
    assert.throws(() => withParameters({ ...ROOM, epochDuration }), /a multiple of 300 s is needed/)
  }
})

test('the tokens of a day are redeemed in 256 chunks at most', () => {
  assert.equal(withParameters({ tokensPerDay: 1024, tokenChunk: 4 }).tokenChunk, 4)
  const refusal = /^RangeError: parameter tokenChunk: the tokens of a day must fit 256 chunks$/
  assert.throws(() => withParameters({ tokensPerDay: 1024, tokenChunk: 3 }), refusal)
  assert.throws(() => withParameters({ tokensPerDay: 257, tokenChunk: 1 }), refusal)
})

test('ROBERT §3.1: a service does not start within 5 % of the end of the 24-bit counter', () => {
  assert.equal(LAST_SERVICE_EPOCH, 15_938_354)
  assert.equal(LAST_EPOCH, 2 ** 24 - 1)
})
