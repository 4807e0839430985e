import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { toHex } from '../src/bytes.ts'
import { Malformed } from '../src/outcome.ts'
import { buildHello, helloMacIsValid, joinHello, parseHello, timeIsClose } from '../src/robert/hello.ts'
import { macIsValid } from '../src/robert/keys.ts'
import { SPEC, TAC } from '../src/robert/profile.ts'
import { later, type NtpSeconds, ntpOf, time16 } from '../src/time.ts'
import { ALICE, holds, pairOf, randomOf, unix, withBitFlipped } from './fixture.ts'

const NOON = unix('2026-03-05T12:00:00Z')
const HELLO = buildHello(ALICE.authenticationKey, pairOf(432), ntpOf(NOON))

test('ROBERT §5.1: a HELLO has 16 bytes: ECC 1 | EBID 8 | Time 2 | MAC 5', () => {
  const pair = pairOf(432)
  const hello = parseHello(HELLO)
  assert.equal(HELLO.length, 16)
  assert.equal(hello.ecc, pair[8])
  assert.equal(toHex(hello.ebid), toHex(pair.subarray(0, 8)))
  assert.equal(hello.time16, time16(ntpOf(NOON)))
  assert.equal(toHex(hello.mac), toHex(HELLO.subarray(11)))
})

test('ROBERT §5.2 step 1: any 16 bytes parse, and join to the same bytes', () => {
  holds(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
      assert.equal(toHex(joinHello(parseHello(bytes))), toHex(bytes))
    }),
  )
})

test('ROBERT §5.2 step 1: another length than 16 bytes is malformed', () => {
  for (const length of [0, 15, 17, 21]) {
    assert.throws(() => parseHello(new Uint8Array(length)), new Malformed('hello', `16 bytes, got ${length}`))
  }
})

test('ROBERT §6.2 step 8: every bit of ECC, EBID, Time and MAC counts', () => {
  assert.ok(helloMacIsValid(ALICE.authenticationKey, HELLO))
  for (let bit = 0; bit < 128; bit++) {
    assert.ok(!helloMacIsValid(ALICE.authenticationKey, withBitFlipped(HELLO, bit)), `bit ${bit}`)
  }
})

test('ROBERT §6.2 step 8: every bit of K_auth counts', () => {
  for (let bit = 0; bit < 256; bit++) {
    assert.ok(!helloMacIsValid(withBitFlipped(ALICE.authenticationKey, bit), HELLO), `bit ${bit}`)
  }
})

test('a MAC longer than HMAC-SHA256 gives is not valid', () => {
  const mac = randomOf('mac')(33)
  assert.ok(!macIsValid(ALICE.authenticationKey, HELLO, mac))
})

test('ROBERT §5.2 step 3: a distance of exactly δ is refused in profile spec and passes in tac', () => {
  const wraps = ntpOf(unix('2026-03-05T12:00:00Z')) - (ntpOf(NOON) % 65_536)
  for (const received of [ntpOf(NOON), wraps as NtpSeconds, (wraps + 5) as NtpSeconds]) {
    for (const [off, spec, tac] of [
      [-13, false, false],
      [-12, false, true],
      [-11, true, true],
      [0, true, true],
      [11, true, true],
      [12, false, true],
      [13, false, false],
    ] as const) {
      const sent = time16((received + off) as NtpSeconds)
      assert.equal(timeIsClose(SPEC, sent, received, 12), spec, `spec ${off}`)
      assert.equal(timeIsClose(TAC, sent, received, 12), tac, `tac ${off}`)
    }
  }
})

test('ROBERT §5.2 footnote 9: 65,536 seconds later the 16-bit time is the same', () => {
  const replayed = ntpOf(later(NOON, 65_536))
  assert.ok(timeIsClose(SPEC, parseHello(HELLO).time16, replayed, 12))
})
