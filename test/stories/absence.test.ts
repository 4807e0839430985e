// Phones that are away: switched off, without network, or out of identifiers.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { helloAt } from '@vicinity/client'
import type { LabPhone, Network } from '@vicinity/lab'
import { DAY_SECONDS, later } from '@vicinity/protocol'
import { SIZE } from '@vicinity/protocol/robert'
import { Story } from './story.ts'

const app = {}
const HOUR = 3600

/** A met C on the first day, and C declares on the second. A was switched off in between. */
async function metAndOff(): Promise<Story> {
  const story = await Story.begin({ people: { A: app, B: app, C: app } })
  await story.near('C', 'A', { from: story.time(1, '10:00'), minutes: 20 })
  await story.until(story.time(1, '22:00'))
  story.switchOff('A')
  await story.until(story.time(2, '10:00'))
  await story.declares('C', { days: 2 })
  return story
}

const broadcasts = (story: Story, name: string): boolean =>
  helloAt(story.phone(name).state, story.phone(name).now()) !== undefined

test('a phone that was off for three days broadcasts at once, and is warned the moment it is on again', async () => {
  await using story = await metAndOff()
  await story.until(story.time(4, '22:00'))
  assert.equal(story.isWarned('A'), false)
  await story.switchOn('A')
  assert.equal(story.isWarned('A'), true)
  assert.equal(broadcasts(story, 'A'), true)
  await story.near('A', 'B', { from: story.time(5, '09:00'), minutes: 20 })
  await story.declares('B', { days: 1 })
  assert.equal((await story.exposures('A')).length > 0, true, 'what B heard of it is understood')
})

test('a phone that was off for nine days has no identifier left: it gets some at once, and the warning with its next request', async () => {
  await using story = await metAndOff()
  await story.until(story.time(10, '10:00'))
  await story.switchOn('A')
  // Identifiers and warnings take turns; the identifiers were asked for first.
  assert.deepEqual(story.told('A'), ['broadcasting', 'identifiersExhausted', 'broadcasting'])
  assert.equal(broadcasts(story, 'A'), true)
  await story.everybodyAsks()
  assert.equal(story.isWarned('A'), true)
})

test('a phone that was off for 15 days keeps its account, is not warned of what is past, and broadcasts again within a day', async () => {
  await using story = await metAndOff()
  const registered = story.counted('registered')
  await story.until(story.time(16, '22:00'))
  await story.switchOn('A')
  await story.until(story.time(17, '22:00'))
  assert.equal(story.isWarned('A'), false, 'the exposure is older than CT')
  assert.equal(story.counted('registered'), registered)
  assert.equal(broadcasts(story, 'A'), true)
  await story.near('A', 'B', { from: story.time(18, '09:00'), minutes: 20 })
  await story.declares('B', { days: 1 })
  await story.everybodyAsks()
  assert.equal(story.isWarned('A'), true, 'a new meeting warns it')
})

test('a phone that was off for 400 days registers anew when it is on again, and is a phone like any other', async () => {
  await using story = await Story.begin({ people: { A: app, B: app } })
  await story.near('B', 'A', { from: story.time(1, '10:00'), minutes: 20 })
  const first = story.phone('A').state.keys!.authenticationKey
  for (const name of ['A', 'B']) story.switchOff(name)
  await story.until(story.time(401, '22:00'))
  assert.equal(story.counted('registered'), 2)
  for (const name of ['A', 'B']) await story.switchOn(name)
  assert.equal(story.counted('registered'), 4)
  assert.equal(story.told('A').includes('registeredAnew'), true)
  assert.notDeepEqual(story.phone('A').state.keys!.authenticationKey, first)
  assert.equal(broadcasts(story, 'A'), true)
  assert.deepEqual(story.phone('A').log, [], 'what was heard so long ago is forgotten')
  await story.near('A', 'B', { from: story.time(402, '09:00'), minutes: 20 })
  await story.declares('B', { days: 1 })
  await story.everybodyAsks()
  assert.equal(story.isWarned('A'), true)
})

/** Holes between the first and the last identifier that a phone holds. */
const gapsOf = ({ state: { identifiers } }: LabPhone): number =>
  identifiers.filter(({ first }, k) => {
    const before = identifiers[k - 1]
    return before !== undefined && before.first + before.pairs.length / SIZE.pair !== first
  }).length

/** A network that is there or not. */
class Line {
  connected = true
  readonly network: Network = () => (this.connected ? 'delivered' : 'requestLost')
}

test('a weekend without network: the phone broadcasts all the time, and the gap in its list is filled before it is reached', async () => {
  const line = new Line()
  await using story = await Story.begin({ people: { A: { network: line.network }, B: app } })
  await story.until(story.time(5, '18:00'))
  line.connected = false
  await story.until(story.time(8, '08:00'))
  line.connected = true
  await story.until(story.time(8, '18:00'))
  assert.equal(gapsOf(story.phone('A')) > 0, true, 'what came first was the last day of the bundle')
  for (let day = 8; day < 14; day++) {
    await story.until(story.time(day, '23:00'))
    assert.equal(broadcasts(story, 'A'), true, `day ${day}`)
  }
  assert.equal(gapsOf(story.phone('A')), 0)
  assert.deepEqual(story.told('A'), ['broadcasting'])
  await story.near('A', 'B', { from: story.time(14, '09:00'), minutes: 20 })
  await story.declares('B', { days: 1 })
  assert.equal((await story.exposures('A')).length > 0, true)
})

test('without network for a week: the phone says when its identifiers are used up, is silent, and says when it goes on', async () => {
  const line = new Line()
  await using story = await Story.begin({ people: { A: { network: line.network }, B: app } })
  await story.until(later(story.now, HOUR))
  line.connected = false
  // Today and four days; the status of the first day brought no more.
  await story.until(story.time(5, '23:59'))
  assert.deepEqual(story.told('A'), ['broadcasting'])
  assert.equal(broadcasts(story, 'A'), true)
  await story.until(story.time(6, '00:00'))
  assert.deepEqual(story.told('A'), ['broadcasting', 'identifiersExhausted'])
  assert.equal(broadcasts(story, 'A'), false)
  const heard = story.phone('B').log.length
  await story.near('A', 'B', { from: story.time(6, '09:00'), minutes: 20 })
  assert.equal(story.phone('B').log.length, heard, 'B hears nothing of it')
  assert.equal(story.phone('A').log.length > 0, true, 'and it still hears B')
  await story.until(story.time(7, '12:00'))
  assert.deepEqual(story.told('A'), ['broadcasting', 'identifiersExhausted'], 'said once')
  line.connected = true
  await story.until(later(story.now, DAY_SECONDS))
  assert.deepEqual(story.told('A'), ['broadcasting', 'identifiersExhausted', 'broadcasting'])
  await story.near('A', 'B', { from: story.time(9, '09:00'), minutes: 20 })
  assert.equal(story.phone('B').log.length > heard, true)
  assert.equal(story.counted('registered'), 2)
})
