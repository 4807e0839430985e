import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toHex } from '../src/bytes.ts'
import {
  finishToken,
  issuerDayKey,
  requestToken,
  respondToken,
  spentKeyOf,
  TOKEN,
  verifyToken,
} from '../src/upload/token.ts'
import { dayAt, itemOf, randomOf, unix, withBitFlipped } from './fixture.ts'

const DAY = dayAt('2026-03-05T00:00:00Z')
const TOMORROW = dayAt('2026-03-06T00:00:00Z')
const ISSUER = randomOf('issuer')(32)
const DAY_KEY = issuerDayKey(ISSUER, DAY)
const ITEM = itemOf({ emitted: unix('2026-03-05T12:00:00Z') })
const RANDOM = randomOf('token')(TOKEN.random)

function tokenFor(item: Uint8Array, random: Uint8Array, dayKey = DAY_KEY): Uint8Array {
  const { request, pending } = requestToken(item, random)
  assert.equal(request.length, TOKEN.request)
  const response = respondToken(dayKey, request)
  assert.equal(response.length, TOKEN.response)
  return finishToken(pending, response)
}
const GIVEN = tokenFor(ITEM, RANDOM)

test('ROBERT §6.1: a token that the issuer answered is good for the item it was asked for', () => {
  assert.equal(GIVEN.length, TOKEN.size)
  assert.ok(verifyToken(DAY_KEY, ITEM, RANDOM, GIVEN))
})

test('ROBERT §6.1: a token fits no other item, whichever bit differs', () => {
  for (let bit = 0; bit < 8 * ITEM.length; bit++) {
    assert.ok(!verifyToken(DAY_KEY, withBitFlipped(ITEM, bit), RANDOM, GIVEN), `bit ${bit}`)
  }
  assert.ok(!verifyToken(DAY_KEY, ITEM, randomOf('other')(TOKEN.random), GIVEN))
})

test('ROBERT §6.1: a token of another contact day or another issuer is refused', () => {
  assert.ok(!verifyToken(issuerDayKey(ISSUER, TOMORROW), ITEM, RANDOM, GIVEN))
  assert.ok(!verifyToken(DAY_KEY, ITEM, RANDOM, tokenFor(ITEM, RANDOM, issuerDayKey(ISSUER, TOMORROW))))
  assert.ok(!verifyToken(issuerDayKey(randomOf('other issuer')(32), DAY), ITEM, RANDOM, GIVEN))
})

test('ROBERT §6.1: every bit of a token counts, and so does its length', () => {
  for (let bit = 0; bit < 8 * TOKEN.size; bit++) {
    assert.ok(!verifyToken(DAY_KEY, ITEM, RANDOM, withBitFlipped(GIVEN, bit)), `bit ${bit}`)
  }
  for (const length of [0, 1, 32, 63]) assert.ok(!verifyToken(DAY_KEY, ITEM, RANDOM, GIVEN.subarray(0, length)))
  assert.ok(!verifyToken(DAY_KEY, ITEM, RANDOM, finishToken(GIVEN, new Uint8Array(1))))
})

test('ROBERT §6.1: the response of one request finishes no other request', () => {
  const other = requestToken(ITEM, randomOf('other')(TOKEN.random))
  const token = finishToken(other.pending, GIVEN.subarray(TOKEN.request))
  assert.ok(!verifyToken(DAY_KEY, ITEM, randomOf('other')(TOKEN.random), token))
})

test('ROBERT §6.1: the request hides the item: the same item is asked for differently each time', () => {
  const requests = ['a', 'b', 'c'].map((name) => toHex(requestToken(ITEM, randomOf(name)(TOKEN.random)).request))
  assert.equal(new Set(requests).size, 3)
})

test('ROBERT §6.1: a token is spent under one key, two tokens of equal items under two', () => {
  const spent = toHex(spentKeyOf(GIVEN, DAY))
  assert.equal(spent.length, 2 * TOKEN.spentKey)
  assert.equal(toHex(spentKeyOf(tokenFor(ITEM, RANDOM), DAY)), spent)
  assert.notEqual(toHex(spentKeyOf(tokenFor(ITEM, randomOf('other')(TOKEN.random)), DAY)), spent)
  assert.notEqual(toHex(spentKeyOf(GIVEN, TOMORROW)), spent)
})
