import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { drawBelow } from '../src/bytes.ts'
import { randomOf } from './fixture.ts'

test('a draw is below its limit, even with the largest bytes', () => {
  const limit = fc.integer({ min: 1, max: 2 ** 32 })
  fc.assert(
    fc.property(limit, fc.uint8Array({ minLength: 6, maxLength: 6 }), (most, drawn) => {
      const value = drawBelow(() => drawn, most)
      assert.ok(Number.isInteger(value) && value >= 0 && value < most)
      assert.equal(
        drawBelow((length) => new Uint8Array(length).fill(0xff), most),
        most - 1,
      )
      assert.equal(
        drawBelow((length) => new Uint8Array(length), most),
        0,
      )
    }),
  )
})

test('every value is drawn about equally often', () => {
  const counts = [0, 0, 0, 0, 0]
  const random = randomOf('dice')
  for (let k = 0; k < 5000; k++) counts[drawBelow(random, 5)]!++
  for (const count of counts) assert.ok(count > 850 && count < 1150, `${counts}`)
})
