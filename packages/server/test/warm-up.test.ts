import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { DEFAULT_SETTINGS } from '../src/deps.ts'
import { serve } from '../src/main.ts'
import { warmUp } from '../src/warm-up.ts'
import { temporaryDirectory } from './fixture.ts'

test('the warm-up needs nothing of a back-end: every item is accepted, every request served, as often as it is called', () => {
  const first = warmUp()
  assert.ok(first.items >= 1024 && first.requests > 0)
  assert.equal(warmUp.length, 0)
  assert.deepEqual(warmUp(), first)
  assert.deepEqual(first, { items: 10 * 512, requests: 20 })
})

test('a back-end that has warmed up has counted nothing and knows nobody', async (t) => {
  const [store, keys] = [`sqlite:${join(temporaryDirectory(t), 'database')}`, undefined]
  const running = await serve({ settings: DEFAULT_SETTINGS, store, keys, host: '127.0.0.1', port: 0, threads: 1 })
  t.after(() => running.close())
  const { deps } = running
  assert.deepEqual([...deps.counts], [])
  assert.deepEqual(deps.keys.intakeWindows(), [])
  assert.deepEqual(await deps.store.transaction((tx) => tx.queuedWindows()), [])
  assert.equal((await deps.store.transaction((tx) => tx.usersOf([1]))).size, 0)
})
