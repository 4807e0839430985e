// The load of bench/load.ts against servers that are made up, under a clock that is turned by hand.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { arrivals, keepsUp, offer, type Point, pointOf, rampUp } from '../../bench/load.ts'

/** A generator of chance that every run repeats. */
function chanceOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

/** Time that stands still until the next thing is due. */
function madeUpTime() {
  const due: { at: number; then: () => void }[] = []
  let now = 0
  const at = (time: number, then: () => void) => {
    due.push({ at: Math.max(now, time), then })
    due.sort((a, b) => a.at - b.at)
  }
  const run = () => {
    for (let next = due.shift(); next !== undefined; next = due.shift()) {
      now = next.at
      next.then()
    }
  }
  return { now: () => now, at, run }
}

test('arrivals come at their rate, in order, and as far apart as chance has them', () => {
  const due = arrivals(500, 20, chanceOf(1))
  assert.ok(Math.abs(due.length - 10_000) < 400, `${due.length}`)
  const gaps = due.slice(1).map((at, k) => at - due[k]!)
  assert.ok(gaps.every((gap) => gap >= 0))
  assert.ok(due.at(-1)! < 20)
  // Of independent arrivals a share of 1/e of the gaps is longer than the mean.
  const long = gaps.filter((gap) => gap > 1 / 500).length / gaps.length
  assert.ok(Math.abs(long - Math.exp(-1)) < 0.02, `${long}`)
})

test('a server that stands still for a second is charged for every call that was due meanwhile', async () => {
  const time = madeUpTime()
  const due = Float64Array.from({ length: 400 }, (_, k) => k / 100)
  const send = (_call: number, done: (served: boolean) => void) => {
    const still = time.now() >= 1 && time.now() < 2
    time.at(still ? 2 : time.now() + 0.001, () => done(true))
  }
  const ending = offer({ due, lines: 4, now: time.now, at: time.at, send })
  time.run()
  const answered = await ending
  const late = due.filter((at, k) => answered[k]! - at > 0.5)
  assert.ok(late.length >= 49 && late.length <= 52, `${late.length}`)
  const { p50, p99 } = pointOf(due, answered, 4)
  assert.ok(p50! < 10 && p99! > 900, `${p50} ${p99}`)
})

test('a server that takes 10 calls a second out of 20 answers half in time, and what it refuses counts as never answered', async () => {
  const time = madeUpTime()
  const due = Float64Array.from({ length: 200 }, (_, k) => k / 20)
  let free = 0
  const slow = (_call: number, done: (served: boolean) => void) => {
    free = Math.max(free, time.now()) + 0.1
    time.at(free, () => done(true))
  }
  const ending = offer({ due, lines: 8, now: time.now, at: time.at, send: slow })
  time.run()
  const point = pointOf(due, await ending, 10)
  assert.equal(point.offered, 20)
  assert.ok(Math.abs(point.goodput - 10) < 0.5, `${point.goodput}`)
  assert.equal(keepsUp(point), false)
  const refused = offer({ due, lines: 8, now: time.now, at: time.at, send: (call, done) => done(call % 50 !== 0) })
  time.run()
  assert.equal(pointOf(due, await refused, 10).p99, null)
})

test('the knee is the highest rate that a server keeps up with; two hiccups are none', async () => {
  const asked: number[] = []
  let hiccups = 2
  const step = async (rate: number): Promise<Point> => {
    asked.push(rate)
    const hiccup = rate === 200 && hiccups-- > 0
    const over = rate > 500
    return { offered: rate, goodput: over ? 500 : rate, p50: 5, p99: hiccup || over ? 900 : 20 }
  }
  const { knee, points } = await rampUp(step, 100, 2)
  assert.equal(knee, 400)
  assert.deepEqual(asked, [100, 200, 200, 200, 400, 800, 800, 800, 1600])
  assert.deepEqual(
    points.map(({ offered }) => offered),
    [100, 200, 400, 800, 1600],
  )
})
