import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { UnixSeconds } from '@vicinity/protocol'
import fc from 'fast-check'
import { drawFraction, randomStream } from '../src/random.ts'
import { ORDER, type Order, Schedule } from '../src/schedule.ts'

const at = (seconds: number) => seconds as UnixSeconds
const seed = process.env['VICINITY_SEED'] === undefined ? {} : { seed: Number(process.env['VICINITY_SEED']) }

test('whatever is planned runs by time, then by order, then as it was planned', async () => {
  const entry = fc.record({ at: fc.integer({ min: 0, max: 9 }), order: fc.constantFrom(...Object.values(ORDER)) })
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { maxLength: 60 }), async (entries) => {
      const schedule = new Schedule(at(0))
      const ran: number[] = []
      entries.forEach((planned, k) => {
        schedule.plan(at(planned.at), planned.order as Order, () => void ran.push(k))
      })
      await schedule.runUntil(at(9))
      const key = (k: number) => entries[k]!.at * 10 + entries[k]!.order
      const wanted = entries.map((_, k) => k).sort((a, b) => key(a) - key(b) || a - b)
      assert.deepEqual(ran, wanted)
    }),
    seed,
  )
})

test('an event has settled before the next one runs, and what it plans for now still runs now', async () => {
  const schedule = new Schedule(at(0))
  const ran: string[] = []
  schedule.plan(at(5), ORDER.wake, async (now) => {
    await Promise.resolve()
    await Promise.resolve()
    schedule.plan(at(1), ORDER.wake, (later) => void ran.push(`planned for the past, runs at ${later}`))
    ran.push(`first at ${now}`)
  })
  schedule.plan(at(5), ORDER.plan, () => void ran.push('last'))
  await schedule.runUntil(at(5))
  assert.deepEqual(ran, ['first at 5', 'planned for the past, runs at 5', 'last'])
  assert.equal(schedule.now(), 5)
})

test('the clock stops where it is told, before what is planned for later', async () => {
  const schedule = new Schedule(at(0))
  let ran = false
  schedule.plan(at(11), ORDER.jobs, () => {
    ran = true
  })
  await schedule.runUntil(at(10))
  assert.equal(ran, false)
  assert.equal(schedule.now(), 10)
})

test('a random stream depends on its seed and name only, not on how it is drawn', () => {
  const [a, b] = [randomStream(7, 'x'), randomStream(7, 'x')]
  const whole = Buffer.from(a(4096)).toString('hex')
  const parts = Array.from({ length: 64 }, () => Buffer.from(b(64)).toString('hex')).join('')
  assert.equal(parts, whole)
  assert.notEqual(Buffer.from(randomStream(8, 'x')(64)).toString('hex'), whole.slice(0, 128))
  assert.notEqual(Buffer.from(randomStream(7, 'y')(64)).toString('hex'), whole.slice(0, 128))
})

test('fractions lie in [0, 1) and are spread evenly', () => {
  const random = randomStream(1, 'fractions')
  const drawn = Array.from({ length: 20_000 }, () => drawFraction(random))
  assert.equal(
    drawn.every((fraction) => fraction >= 0 && fraction < 1),
    true,
  )
  const mean = drawn.reduce((sum, fraction) => sum + fraction, 0) / drawn.length
  // Standard error is 0.002; the stream is fixed, so this holds or does not for ever.
  assert.equal(Math.abs(mean - 0.5) < 0.01, true)
})
