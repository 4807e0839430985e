import assert from 'node:assert/strict'
import { test } from 'node:test'
import { releaseGrid } from '../src/release-grid.ts'

/** A clock and a timer that move when the test says so. */
function scene(period: number) {
  let time = 1000
  let waiting: { at: number; then: () => void }[] = []
  const clock = {
    now: () => time,
    after: (milliseconds: number, then: () => void) => void waiting.push({ at: time + milliseconds, then }),
  }
  const pass = async (milliseconds: number) => {
    for (const end = time + milliseconds; time < end; ) {
      time++
      const due = waiting.filter(({ at }) => at <= time)
      waiting = waiting.filter(({ at }) => at > time)
      for (const { then } of due) then()
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  const work = (milliseconds: number, fails = false) =>
    new Promise<string>((resolve, reject) =>
      clock.after(milliseconds, () => (fails ? reject(new Error('failed')) : resolve('answer'))),
    )
  /** How long a piece of work is held. */
  const held = async (milliseconds: number, fails = false) => {
    const from = time
    let left = Number.NaN
    const leaves = () => {
      left = time - from
    }
    grid(() => work(milliseconds, fails)).then(leaves, leaves)
    await pass(5 * period)
    return left
  }
  const grid = releaseGrid(period, clock)
  return { held, pass, grid }
}

test('grid: replies leave one period after their requests came, however long below it they took (T-16, T-21)', async () => {
  const { held } = scene(20)
  for (const milliseconds of [1, 2, 9, 19]) assert.equal(await held(milliseconds), 20, `${milliseconds} ms`)
})

test('grid: what takes longer than a period leaves at the next multiple of it (T-16)', async () => {
  const { held } = scene(20)
  assert.deepEqual([await held(21), await held(39), await held(41), await held(75)], [40, 40, 60, 80])
})

test('grid: the multiples are counted from when each request came', async () => {
  const { held, pass } = scene(20)
  for (const shift of [1, 7, 13]) {
    await pass(shift)
    assert.equal(await held(3), 20)
  }
})

test('grid: a failure is held like an answer (T-16)', async () => {
  const { held, grid, pass } = scene(20)
  assert.deepEqual([await held(1, true), await held(25, true)], [20, 40])
  const failing = assert.rejects(
    grid(() => Promise.reject(new Error('failed'))),
    /failed/,
  )
  await pass(20)
  await failing
})
