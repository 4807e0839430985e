// ROBERT §7 up to step 6 and appendix C; what follows for a status request is in status.test.ts.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { concat, toHex } from '../src/bytes.ts'
import { Malformed } from '../src/outcome.ts'
import { CODE, SIZE } from '../src/robert/constants.ts'
import { makeEbids } from '../src/robert/ebid.ts'
import { NEW_STATUS } from '../src/robert/id-table.ts'
import { TAC } from '../src/robert/profile.ts'
import {
  buildRequest,
  locateRequests,
  parseRequest,
  REQUEST_REFUSALS,
  type RequestRefusal,
  renewPayload,
} from '../src/robert/request.ts'
import { decideRequest } from '../src/robert/request-decision.ts'
import { makeResetToken } from '../src/robert/reset.ts'
import { type Epoch, LAST_EPOCH, later, ntpOf, type UnixSeconds, unfold32 } from '../src/time.ts'
import {
  ALICE,
  askedBy,
  backEnd,
  dayAt,
  decided,
  holds,
  randomOf,
  SERVICE_START,
  serverKeyOfDay,
  unix,
  withBitFlipped,
  withDays,
} from './fixture.ts'

const NOW = unix('2026-03-05T12:00:00Z')
const EPOCH = 432
const REPLY_ID = randomOf('some reply id')(SIZE.replyId)
const refusal = (reason: RequestRefusal) => ({ served: false, reason })
const asked = (request: Parameters<typeof askedBy>[1] = {}) => askedBy(NOW, request)
const decide = (bytes: Uint8Array, context = backEnd, at = NOW) => decided(bytes, ALICE, context, at)

const REQUESTS = [
  ['status', asked()],
  ['renew', asked({ code: CODE.renew, payload: renewPayload(EPOCH as Epoch) })],
  ['acknowledge', asked({ code: CODE.acknowledge, payload: REPLY_ID })],
  ['unregister', asked({ code: CODE.unregister })],
  ['deleteHistory', asked({ code: CODE.deleteHistory })],
  ['reset', asked({ code: CODE.reset, payload: makeResetToken(backEnd.resetKey, NOW, randomOf('reset')) })],
] as const

for (const [kind, request] of REQUESTS) {
  test(`ROBERT §7 steps 1 to 6, appendix C: a ${kind} request is served`, () => {
    assert.equal(request.length, SIZE.request)
    assert.equal(decide(request).served, true)
  })

  test(`ROBERT §7 step 6: a ${kind} request with any bit turned is refused`, () => {
    for (let bit = 0; bit < 8 * SIZE.request; bit++) {
      assert.equal(decide(withBitFlipped(request, bit)).served, false, `bit ${bit}`)
    }
  })

  test(`ROBERT §7 step 6: a ${kind} request with any bit of its MAC turned is refused as macInvalid`, () => {
    for (let bit = 8 * (SIZE.request - SIZE.requestMac); bit < 8 * SIZE.request; bit++) {
      assert.deepEqual(decide(withBitFlipped(request, bit)), refusal('macInvalid'), `bit ${bit}`)
    }
  })

  test(`appendix C: a payload of a ${kind} request is zero where it means nothing, or the request is malformed`, () => {
    const code = request[0]!
    const used = { 2: 0, 3: 0, 4: 0, 5: 4, 6: 8, 7: 36 }[code]!
    for (let place = used; place < SIZE.requestPayload; place++) {
      const payload = new Uint8Array(SIZE.requestPayload)
      payload[place] = 1
      assert.deepEqual(decide(asked({ code, payload })), refusal('malformed'), `byte ${place}`)
    }
  })
}

test('ROBERT §7 step 1: a request parses into its fields: c 1 | EBID 8 | epoch 4 | Time 4 | payload 47 | MAC 32', () => {
  const request = asked({ code: CODE.acknowledge, payload: REPLY_ID })
  const parsed = parseRequest(request, NOW)
  assert.equal(parsed.code, CODE.acknowledge)
  assert.equal(parsed.epoch, EPOCH)
  assert.equal(parsed.time, ntpOf(NOW))
  assert.equal(toHex(parsed.payload), toHex(REPLY_ID) + '00'.repeat(39))
  const { mac, ...rest } = parsed
  assert.equal(toHex(mac), toHex(request.subarray(64)))
  assert.equal(toHex(buildRequest(backEnd.profile, ALICE.authenticationKey, rest)), toHex(request))
})

test('ROBERT §7 step 1: another length than 96 bytes is malformed', () => {
  for (const length of [0, 1, 95, 97, 1024]) {
    assert.deepEqual(decide(new Uint8Array(length)), refusal('malformed'), `${length} bytes`)
    assert.throws(() => parseRequest(new Uint8Array(length), NOW), Malformed)
  }
})

test('ROBERT §7 step 1, appendix C: a code that is not served is malformed, a HELLO code above all', () => {
  for (let code = 0; code < 256; code++) {
    if (code >= CODE.status && code <= CODE.reset) continue
    assert.deepEqual(decide(asked({ code })), refusal('malformed'), `c = ${code}`)
  }
})

test('ROBERT §7 step 1: an epoch beyond 24 bits is malformed', () => {
  const request = asked()
  request[9] = 1
  assert.deepEqual(decide(request), refusal('malformed'))
})

test('ROBERT §7 step 1: whatever bytes come, the outcome is a refusal', () => {
  const bytes = fc.oneof(fc.uint8Array({ minLength: 96, maxLength: 96 }), fc.uint8Array({ maxLength: 200 }))
  holds(
    fc.property(bytes, fc.constantFrom(2, 3, 4, 5, 6, 7), (drawn, code) => {
      drawn[0] = code
      assert.equal(decide(drawn).served, false)
    }),
    500,
  )
})

test('ROBERT §7 step 2: a clock that is 60 s away is refused as clockTooFar, 59 s are close', () => {
  for (const off of [-59, -1, 0, 1, 59]) {
    assert.equal(decide(asked({ time: ntpOf(later(NOW, off)) })).served, true, `${off} s`)
  }
  for (const off of [-(2 ** 31), -86_400, -61, -60, 60, 61, 65_536, 2 ** 30]) {
    assert.deepEqual(decide(asked({ time: ntpOf(later(NOW, off)) })), refusal('clockTooFar'), `${off} s`)
  }
})

test('ROBERT §7 step 2: profile tac accepts 60 s and refuses 61 s as clockTooFar', () => {
  const tac = { ...backEnd, profile: TAC }
  const at = (off: number) => decide(asked({ context: tac, time: ntpOf(later(NOW, off)) }), tac)
  assert.equal(at(60).served, true)
  assert.equal(at(-60).served, true)
  assert.deepEqual(at(61), refusal('clockTooFar'))
})

test('ROBERT §7 step 2: clocks on either side of the end of the NTP era in 2036 are close', () => {
  const newEra = unix('2036-02-07T06:28:16Z')
  for (const off of [-30, 30]) {
    const request = askedBy(newEra, { time: ntpOf(later(newEra, off)) })
    assert.equal(decide(request, backEnd, newEra).served, true)
    assert.deepEqual(decide(request, backEnd, later(newEra, 4 * off)), refusal('clockTooFar'))
  }
  assert.equal(parseRequest(askedBy(newEra), newEra).time, unfold32(0, ntpOf(newEra)))
})

test('ROBERT §7 step 3: the server key is that of the clear epoch; without it or a neighbour noServerKey', () => {
  const day = dayAt('2026-03-05T00:00:00Z')
  assert.equal(decide(asked(), withDays(day)).served, true)
  assert.deepEqual(decide(asked(), withDays()), refusal('noServerKey'))
  assert.deepEqual(decide(asked(), withDays(dayAt('2026-03-03T00:00:00Z'))), refusal('noServerKey'))
})

test('ROBERT §7: the latest identifier that a phone has is good after days without network', () => {
  const later9 = later(NOW, 9 * 86_400)
  const request = askedBy(later9, { epoch: EPOCH })
  assert.equal(decide(request, backEnd, later9).served, true)
})

test('ROBERT §7 step 3: near midnight the key of the neighbour day is tried too', () => {
  const midnight = unix('2026-03-06T00:00:00Z')
  const epoch = 480 as Epoch
  const made = (day: ReturnType<typeof dayAt>) =>
    askedBy(midnight, { epoch, ebid: makeEbids(serverKeyOfDay(day), ALICE.id, epoch, 1) })
  const today = dayAt('2026-03-06T00:00:00Z')
  const yesterday = dayAt('2026-03-05T00:00:00Z')
  assert.equal(decide(made(today), backEnd, midnight).served, true)
  assert.equal(decide(made(yesterday), backEnd, midnight).served, true)
  assert.equal(decide(made(yesterday), withDays(yesterday), midnight).served, true)
  assert.deepEqual(decide(made(yesterday), withDays(today), midnight), refusal('epochMismatch'))
  assert.deepEqual(decide(made(dayAt('2026-03-07T00:00:00Z')), backEnd, midnight), refusal('epochMismatch'))
})

test('ROBERT §7 step 4: a clear epoch that is not the one in the EBID is refused as epochMismatch', () => {
  const ebid = asked().subarray(1, 9)
  for (const off of [-2, -1, 1, 2, 96]) {
    assert.deepEqual(decide(asked({ ebid, epoch: EPOCH + off })), refusal('epochMismatch'), `${off}`)
  }
  assert.deepEqual(decide(asked({ ebid, epoch: LAST_EPOCH })), refusal('epochMismatch'))
})

test('ROBERT §7 step 5: an identifier that is not registered is refused as unknownId', () => {
  const [located] = locateRequests([asked()], backEnd, NOW)
  assert.ok(located?.located)
  assert.equal(located.id, ALICE.id)
  assert.deepEqual(decideRequest(located, undefined, backEnd, NOW), refusal('unknownId'))
})

test('ROBERT §7 step 6: a request made with the key of somebody else is refused as macInvalid, in every state', () => {
  const forged = asked({ user: { ...ALICE, authenticationKey: randomOf('key of Bob')(32) } })
  for (const notified of ['none', 'pending', 'acknowledged'] as const) {
    const user = { ...ALICE, status: { ...NEW_STATUS, notified, warnedThrough: EPOCH as Epoch } }
    assert.deepEqual(decided(forged, user, backEnd, NOW), refusal('macInvalid'))
  }
})

test('ROBERT §7 step 6, appendix C: the MAC of one code is not the MAC of another', () => {
  const payload = new Uint8Array(0)
  const macs = Array.from({ length: 7 }, (_, k) => toHex(asked({ code: k + 1, payload }).subarray(64)))
  assert.equal(new Set(macs).size, 7)
  const renamed = asked({ code: CODE.renew })
  renamed[0] = CODE.acknowledge
  assert.deepEqual(decide(renamed), refusal('macInvalid'))
})

test('ROBERT §7: each refusal names its step', () => {
  assert.deepEqual(REQUEST_REFUSALS, {
    malformed: 1,
    clockTooFar: 2,
    noServerKey: 3,
    epochMismatch: 4,
    unknownId: 5,
    macInvalid: 6,
    alreadyNotified: 7,
    resetInvalid: 7,
    tooEarly: 8,
  })
})

test('ROBERT §7: requests are located one by one, in the order given', () => {
  const batch = [asked(), new Uint8Array(3), asked({ time: ntpOf(SERVICE_START) }), asked()]
  const located = locateRequests(batch, backEnd, NOW)
  assert.deepEqual(
    located.map((one) => (one.located ? one.id : one.reason)),
    [ALICE.id, 'malformed', 'clockTooFar', ALICE.id],
  )
  const [refused] = located.slice(1)
  assert.deepEqual(decideRequest(refused!, undefined, backEnd, NOW), refusal('malformed'))
  assert.deepEqual(locateRequests([], backEnd, NOW), [])
})

test('ROBERT §7 step 3: opening the EBID leaves the bytes of the request as they were', () => {
  const request = asked()
  const received = Buffer.from(concat(request))
  assert.equal(decide(received).served, true)
  assert.equal(toHex(received), toHex(request))
})

test('appendix C, c = 5: renew is answered in every state, with the first epoch that the phone asks for', () => {
  for (const notified of ['none', 'pending', 'acknowledged'] as const) {
    const user = { ...ALICE, status: { ...NEW_STATUS, notified, lastStatusRequestEpoch: EPOCH as Epoch } }
    for (const first of [0, EPOCH + 96, 0xffffff]) {
      const request = asked({ code: CODE.renew, payload: renewPayload(first as Epoch) })
      const expected = { served: true, answer: { kind: 'renew', first } }
      assert.deepEqual(decided(request, user, backEnd, NOW), expected)
    }
  }
})

test('ROBERT §7 in profile tac: requests of the deployed layout are served there and refused here', () => {
  const tac = { ...backEnd, profile: TAC }
  const request = asked({ context: tac })
  assert.equal(decide(request, tac).served, true)
  assert.deepEqual(decide(request), refusal('macInvalid'))
  assert.deepEqual(decide(asked(), tac), refusal('macInvalid'))
})

test('ROBERT §7: a payload longer than 47 bytes cannot be built', () => {
  const request = { code: CODE.renew, ebid: new Uint8Array(8), epoch: 0 as Epoch, time: ntpOf(0 as UnixSeconds) }
  assert.throws(
    () => buildRequest(backEnd.profile, ALICE.authenticationKey, { ...request, payload: new Uint8Array(48) }),
    RangeError,
  )
})
