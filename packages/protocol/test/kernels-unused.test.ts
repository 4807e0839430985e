// In a process of its own: the first test needs that no kernel was loaded yet.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eraseKey, skinnyEncrypt, skinnyKey } from '../src/kernels/skinny.ts'
import { eraseServerKey, makeEbids, serverKeyOf } from '../src/robert/ebid.ts'
import type { Epoch } from '../src/time.ts'

test('a key can be erased before anything was encrypted, twice, and is of no use afterwards', () => {
  const key = skinnyKey(new Uint8Array(24))
  eraseKey(key)
  eraseKey(key)
  assert.throws(() => skinnyEncrypt(key, new Uint8Array(8)), /erased|key/)
})

test('ROBERT §3.1: a server key that was destroyed makes no identifier any more', () => {
  const key = serverKeyOf(new Uint8Array(24).fill(7))
  assert.equal(makeEbids(key, 1, 0 as Epoch, 1).length, 8)
  eraseServerKey(key)
  assert.throws(() => makeEbids(key, 1, 0 as Epoch, 1))
})
