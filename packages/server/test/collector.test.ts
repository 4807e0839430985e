import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Collecting, collector } from '../src/collector.ts'
import { Unavailable } from '../src/deps.ts'

/** A timer that runs when the test says so, and batches that end when the test says so. */
function scene(limits: Partial<Collecting> = {}) {
  const timers: (() => void)[] = []
  const waits: number[] = []
  const batches: { calls: readonly number[]; end: () => void; fail: (error: unknown) => void }[] = []
  const collecting = {
    most: 4,
    wait: 3,
    lanes: 1,
    waiting: 10,
    after: (milliseconds: number, then: () => void) => {
      waits.push(milliseconds)
      timers.push(then)
    },
    ...limits,
  }
  const ask = collector(collecting, (calls: readonly number[]) => {
    const { promise, resolve, reject } = Promise.withResolvers<number[]>()
    batches.push({ calls, end: () => resolve(calls.map((call) => 10 * call)), fail: reject })
    return promise
  })
  const askAll = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, k) => ask(from + k))
  const fire = () => timers.shift()!()
  const sizes = () => batches.map(({ calls }) => calls.length)
  return { ask, askAll, fire, sizes, batches, timers, waits }
}

const settled = () => new Promise((resolve) => setImmediate(resolve))

test('collector: calls wait for others at most 3 ms, and each gets its own answer', async () => {
  const { askAll, fire, batches, waits, timers } = scene()
  const answers = askAll(1, 3)
  assert.deepEqual([batches.length, waits], [0, [3]])
  fire()
  assert.deepEqual(batches[0]!.calls, [1, 2, 3])
  batches[0]!.end()
  assert.deepEqual(await Promise.all(answers), [10, 20, 30])
  assert.equal(timers.length, 0)
})

test('collector: a full batch begins at once, and what is over waits its time', () => {
  const { askAll, fire, sizes, batches } = scene({ lanes: 2 })
  for (const answer of askAll(1, 5)) answer.catch(() => {})
  assert.deepEqual(batches[0]!.calls, [1, 2, 3, 4])
  fire()
  assert.deepEqual(sizes(), [4, 1])
})

test('collector: while every lane is taken calls gather, and the next batch begins when one ends', async () => {
  const { askAll, fire, sizes, batches } = scene({ lanes: 2 })
  for (const answer of askAll(1, 9)) answer.catch(() => {})
  fire()
  assert.deepEqual(sizes(), [4, 4])
  batches[1]!.end()
  await settled()
  assert.deepEqual(sizes(), [4, 4, 1])
})

test('collector: a call that comes later waits its own time, although an earlier one was due', async () => {
  const { ask, fire, sizes, batches, timers } = scene()
  const first = ask(1)
  fire()
  const second = ask(2)
  batches[0]!.end()
  assert.equal(await first, 10)
  await settled()
  assert.deepEqual([sizes(), timers.length], [[1], 1])
  fire()
  batches[1]!.end()
  assert.equal(await second, 20)
})

test('collector: above its bound further calls are refused before any work, and those that wait are answered', async () => {
  const { askAll, ask, fire, sizes, batches } = scene()
  const answers = askAll(1, 14)
  assert.deepEqual(sizes(), [4])
  await assert.rejects(ask(15), (error) => error instanceof Unavailable)
  fire()
  for (let k = 0; k < 4; k++) {
    batches[k]!.end()
    await settled()
  }
  assert.deepEqual(sizes(), [4, 4, 4, 2])
  assert.equal((await Promise.all(answers)).length, 14)
})

test('collector: a batch that fails is refused as a whole for one reason, and the next one runs', async () => {
  const { askAll, batches } = scene()
  const answers = askAll(1, 8).map((answer) => answer.catch((error: Error) => error.message))
  batches[0]!.fail(new Error('the store'))
  await settled()
  batches[1]!.end()
  assert.deepEqual(await Promise.all(answers), [...Array(4).fill('the store'), 50, 60, 70, 80])
})
