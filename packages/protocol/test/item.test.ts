import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { toHex } from '../src/bytes.ts'
import { Malformed } from '../src/outcome.ts'
import { packItem, packSignal, parseItem, strengthClass, strengthOf, unpackSignal } from '../src/robert/item.ts'
import { DEFAULT_PARAMETERS } from '../src/robert/parameters.ts'
import { strengthWeight } from '../src/robert/risk.ts'
import { type NtpSeconds, ntpOf, unfold32 } from '../src/time.ts'
import { holds, randomOf, unix } from './fixture.ts'

test('a strength in dBm falls into a class of 2 dB, clipped to -30 and -90; class 0 is unknown', () => {
  for (const [strength, expected] of [
    [undefined, 0],
    [20, 1],
    [0, 1],
    [-29, 1],
    [-30, 1],
    [-31, 1],
    [-32, 2],
    [-60, 16],
    [-62, 17],
    [-64, 18],
    [-89, 30],
    [-90, 31],
    [-91, 31],
    [-127, 31],
  ] as const) {
    assert.equal(strengthClass(strength), expected, `${strength} dBm`)
  }
})

test('a class stands for a strength that is at most 1 dB off, and for that strength itself', () => {
  for (let strength = -90; strength <= -30; strength++) {
    const found = strengthOf(strengthClass(strength))
    assert.ok(Math.abs(found - strength) <= 1, `${strength} dBm`)
    assert.equal(strengthOf(strengthClass(found)), found)
  }
  holds(
    fc.property(
      fc.float({ min: -150, max: 50, noNaN: true }),
      fc.float({ min: -150, max: 50, noNaN: true }),
      (a, b) => {
        const [weak, strong] = [Math.min(a, b), Math.max(a, b)]
        assert.ok(strengthClass(weak) >= strengthClass(strong))
      },
    ),
  )
})

test('the thresholds of the risk function include themselves: -63 dBm weighs 1, -73 dBm a half', () => {
  const weight = (strength: number) => strengthWeight(strengthClass(strength), DEFAULT_PARAMETERS)
  assert.deepEqual([-30, -62, -63, -64, -72, -73, -74, -90].map(weight), [1, 1, 1, 0.5, 0.5, 0.5, 0, 0])
})

test('a signal is one byte: 31 classes and unknown, 5 minutes and unknown; 6 and 7 minutes count as 5', () => {
  for (let byte = 0; byte < 256; byte++) {
    const signal = unpackSignal(byte)
    assert.equal(packSignal(signal), (byte & 7) > 5 ? byte - (byte & 7) + 5 : byte)
    assert.ok(signal.strengthClass >= 0 && signal.strengthClass <= 31)
    assert.ok(signal.minutes >= 0 && signal.minutes <= 5)
  }
  assert.deepEqual(unpackSignal(packSignal({ strengthClass: 18, minutes: 4 })), { strengthClass: 18, minutes: 4 })
})

test('ROBERT §6.1, §6.2 step 1: an item is HELLO 16 | Time 4 | signal 1', () => {
  const hello = randomOf('hello')(16)
  const time = ntpOf(unix('2026-03-05T12:00:00Z'))
  const item = packItem(hello, time, 0x94)
  assert.equal(item.length, 21)
  const parsed = parseItem(item)
  assert.equal(toHex(parsed.hello), toHex(hello))
  assert.equal(parsed.time32, time)
  assert.deepEqual(parsed.signal, { strengthClass: 18, minutes: 4 })
})

test('ROBERT §6.2 step 1: the Time of an item folds to 32 bits after 2036', () => {
  const time = ntpOf(unix('2036-02-07T06:28:20Z'))
  const parsed = parseItem(packItem(new Uint8Array(16), time, 0))
  assert.equal(parsed.time32, 4)
  assert.equal(unfold32(parsed.time32, (time + 86_400) as NtpSeconds), time)
})

test('ROBERT §6.2 step 1: another length than 21 bytes is malformed', () => {
  for (const length of [0, 16, 20, 22]) {
    assert.throws(() => parseItem(new Uint8Array(length)), new Malformed('item', `21 bytes, got ${length}`))
  }
})
