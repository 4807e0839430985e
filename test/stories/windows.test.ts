// The contagious window of an upload (ROBERT §6.1): ContStart < Time < ContEnd, on an ordinary day and at the two dates where 32 bits
// of seconds end: those of NTP on 2036-02-07 at 06:28:16, and the signed ones of Unix on 2038-01-19 at 03:14:08.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { helloAt } from '@vicinity/client'
import { ntpOf, type UnixSeconds } from '@vicinity/protocol'
import { Story } from './story.ts'

const unix = (utc: string): UnixSeconds => (Date.parse(utc) / 1000) as UnixSeconds
const before = (at: UnixSeconds, seconds: number) => (at - seconds) as UnixSeconds
const after = (at: UnixSeconds, seconds: number) => (at + seconds) as UnixSeconds
const app = {}
const listener = { filter: 'none' } as const

const EDGES = [
  ['an ordinary day', unix('2026-03-11T10:00:00Z'), unix('2026-03-10T00:00:00Z')],
  ['the end of the NTP era', unix('2036-02-07T06:28:16Z'), unix('2036-02-06T00:00:00Z')],
  ['2^31 seconds of Unix time', unix('2038-01-19T03:14:08Z'), unix('2038-01-18T00:00:00Z')],
] as const

/** Seconds from the edge at which each of these people is heard, once, by C and D. */
const HEARD = { far: -301, just: -1, at: 0, next: 1, late: 301 } as const
type Name = keyof typeof HEARD

async function heardAround(edge: UnixSeconds, start: UnixSeconds): Promise<Story> {
  const speakers = Object.fromEntries(Object.keys(HEARD).map((name) => [name, app]))
  const story = await Story.begin({ people: { ...speakers, C: listener, D: listener }, start })
  for (const [name, seconds] of Object.entries(HEARD)) {
    await story.until(after(edge, seconds))
    const { state, now } = story.phone(name)
    const hello = helloAt(state, now())!
    for (const who of ['C', 'D']) await story.phone(who).happens({ type: 'heard', hello })
  }
  await story.until(after(edge, 3600))
  return story
}

/** Of whom the back-end knows an exposure. */
async function exposedIn(story: Story): Promise<Name[]> {
  const exposed: Name[] = []
  for (const name of Object.keys(HEARD) as Name[]) if ((await story.exposures(name)).length > 0) exposed.push(name)
  return exposed
}

for (const [name, edge, start] of EDGES) {
  test(`${name}: a window that begins there is strict: what was heard in that very second is not sent, the next is`, async () => {
    await using story = await heardAround(edge, start)
    await story.declaresWith('C', await story.codeFor(edge, after(edge, 600)))
    assert.deepEqual(story.told('C').at(-1), 'declarationSent')
    assert.deepEqual(await exposedIn(story), ['next', 'late'])
  })

  test(`${name}: a window that ends there is strict: what was heard in that very second is not sent, the last before is`, async () => {
    await using story = await heardAround(edge, start)
    await story.declaresWith('D', await story.codeFor(before(edge, 600), edge))
    assert.deepEqual(await exposedIn(story), ['far', 'just'])
  })

  test(`${name}: windows one second wider and narrower on both sides`, async () => {
    await using story = await heardAround(edge, start)
    await story.declaresWith('C', await story.codeFor(before(edge, 1), after(edge, 1)))
    assert.deepEqual(await exposedIn(story), ['at'])
    await story.declaresWith('D', await story.codeFor(before(edge, 2), after(edge, 2)))
    assert.deepEqual(await exposedIn(story), ['just', 'at', 'next'])
  })

  test(`${name}: people who stand together while it passes are exposed before and after it, and warned`, async () => {
    await using story = await Story.begin({ people: { A: app, C: app }, start })
    await story.near('C', 'A', { from: before(edge, 600), minutes: 20 })
    await story.declares('C', { days: 1 })
    const exposures = await story.exposures('A')
    const { calendar } = story.country.deps
    const times = exposures.map(({ epoch, slot }) => start + epoch * calendar.epochDuration + slot * 300)
    assert.equal(times.some((time) => time < edge - 299) && times.some((time) => time >= edge), true)
    assert.equal(exposures.reduce((sum, { weight }) => sum + weight, 0) >= 190, true, 'no minute is lost')
    for (const step of ['item.refused.2.helloTooFarFromTime', 'item.refused.8.macInvalid']) {
      assert.equal(story.counted(step), 0)
    }
    await story.everybodyAsks()
    assert.equal(story.isWarned('A'), true)
    assert.equal(story.counted('request.refused.clockTooFar'), 0)
    assert.equal(story.phone('A').state.clockOffset, 0)
    const { serverTime } = await story.country.call('clock', {})
    assert.equal(serverTime, ntpOf(story.now))
  })
}

test('at the end of the era a warning that was given before it is acknowledged after it, and the phone goes on as ever', async () => {
  const edge = unix('2036-02-07T06:28:16Z')
  await using story = await Story.begin({ people: { A: app, B: app, C: app }, start: unix('2036-02-05T00:00:00Z') })
  await story.near('C', 'A', { from: story.time(1, '09:00'), minutes: 20 })
  await story.declares('C', { days: 1 })
  await story.until(before(edge, 60))
  assert.equal(story.isWarned('A'), true)
  const refused = () => [...story.country.deps.counts].filter(([what]) => what.startsWith('request.refused'))
  await story.until(after(edge, 4 * 86_400))
  assert.deepEqual(refused(), [])
  await story.near('A', 'B', { from: story.time(8, '09:00'), minutes: 20 })
  await story.declares('A', { days: 1 })
  await story.everybodyAsks()
  assert.equal(story.isWarned('B'), true)
})
