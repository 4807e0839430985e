// How a warning ends: by a negative test, or when its days are over; and what comes after it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { later, type UnixSeconds } from '@vicinity/protocol'
import { Story } from './story.ts'

const app = {}
const HOUR = 3600
const DAY = 86_400

async function tested(story: Story, name: string, testedAt: UnixSeconds): Promise<void> {
  const { token } = await story.country.authority('issueReset', { testedAt })
  await story.phone(name).happens({ type: 'negativeTest', token })
}

/** A and B met C on the first morning; C declares; both are warned. */
async function warned(parameters = {}): Promise<Story> {
  const story = await Story.begin({ people: { A: app, B: app, C: app, E: app }, parameters })
  for (const name of ['A', 'B']) await story.near('C', name, { from: later(story.now, 9 * HOUR), minutes: 20 })
  await story.declares('C', { days: 2 })
  await story.everybodyAsks()
  assert.deepEqual([story.isWarned('A'), story.isWarned('B')], [true, true])
  return story
}

test('a negative test ends the warning of who was tested and of nobody else; another meeting warns anew', async () => {
  await using story = await warned()
  await tested(story, 'A', later(story.now, -HOUR))
  await story.everybodyAsks()
  assert.deepEqual(story.told('A'), ['broadcasting', 'atRisk', 'warningEnded'])
  assert.deepEqual(story.told('B'), ['broadcasting', 'atRisk'])
  await story.until(later(story.now, 2 * DAY))
  assert.deepEqual(
    story.told('A'),
    ['broadcasting', 'atRisk', 'warningEnded'],
    'what was before the test counts no more',
  )
  await story.near('E', 'A', { from: later(story.now, HOUR), minutes: 20 })
  await story.declares('E', { days: 1 })
  await story.everybodyAsks()
  assert.deepEqual(story.told('A'), ['broadcasting', 'atRisk', 'warningEnded', 'atRisk'])
})

test('somebody whom A met before her test declares after it: A is not warned of that meeting', async () => {
  await using story = await warned()
  await story.near('E', 'A', { from: later(story.now, HOUR), minutes: 20 })
  await story.until(later(story.now, HOUR))
  await tested(story, 'A', story.now)
  await story.everybodyAsks()
  assert.equal(story.told('A').at(-1), 'warningEnded')
  await story.declares('E', { days: 2 })
  assert.equal((await story.exposures('A')).length >= 8, true, 'the items arrived')
  await story.everybodyAsks()
  assert.equal(story.told('A').at(-1), 'warningEnded')
})

test('a token is for one: who borrows it is told that the test was refused, and stays warned', async () => {
  await using story = await warned()
  const { token } = await story.country.authority('issueReset', { testedAt: story.now })
  await story.phone('A').happens({ type: 'negativeTest', token })
  await story.everybodyAsks()
  await story.phone('B').happens({ type: 'negativeTest', token })
  await story.everybodyAsks()
  assert.equal(story.told('A').at(-1), 'warningEnded')
  assert.equal(story.told('B').at(-1), 'testRefused')
  assert.equal(story.phone('B').state.notified, true)
})

test('after its days a warning ends by itself; the same exposure never warns again, a new one does', async () => {
  await using story = await warned({ notifiedDays: 3 })
  const before = story.told('A').length
  await story.until(story.time(4, '23:59'))
  assert.equal(story.told('A').length, before)
  await story.until(story.time(5, '12:00'))
  assert.deepEqual(story.told('A'), ['broadcasting', 'atRisk', 'warningEnded'])
  assert.equal((await story.exposures('A')).length, 4, 'what C sent is still there')
  await story.until(story.time(9, '12:00'))
  assert.deepEqual(story.told('A'), ['broadcasting', 'atRisk', 'warningEnded'])
  await story.near('E', 'A', { from: story.time(9, '13:00'), minutes: 20 })
  await story.declares('E', { days: 1 })
  await story.everybodyAsks()
  assert.deepEqual(story.told('A'), ['broadcasting', 'atRisk', 'warningEnded', 'atRisk'])
  const days = story.phone('A').notices.flatMap((notice) => (notice.what === 'atRisk' ? [notice.exposureDay] : []))
  assert.equal(days[1]! - days[0]!, 8)
  assert.equal(story.counted('request.refused.alreadyNotified'), 0)
})

test('a second exposure during a warning is told when the first has ended', async () => {
  await using story = await warned({ notifiedDays: 3 })
  await story.near('E', 'A', { from: story.time(3, '09:00'), minutes: 20 })
  await story.declares('E', { days: 1 })
  await story.until(story.time(4, '23:00'))
  assert.deepEqual(story.told('A'), ['broadcasting', 'atRisk'])
  await story.until(story.time(6, '12:00'))
  assert.deepEqual(story.told('A'), ['broadcasting', 'atRisk', 'warningEnded', 'atRisk'])
})

test('erase history: what was known is forgotten, so it warns nobody; what comes later does', async () => {
  await using story = await Story.begin({ people: { A: app, C: app, E: app } })
  await story.near('C', 'A', { from: story.time(1, '09:00'), minutes: 20 })
  await story.declares('C', { days: 1 })
  await story.phone('A').happens({ type: 'eraseHistory' })
  await story.everybodyAsks()
  assert.deepEqual(story.told('A'), ['broadcasting', 'historyErased'])
  assert.deepEqual(await story.exposures('A'), [])
  await story.near('E', 'A', { from: story.time(2, '09:00'), minutes: 20 })
  await story.declares('E', { days: 1 })
  await story.everybodyAsks()
  assert.deepEqual(story.told('A'), ['broadcasting', 'historyErased', 'atRisk'])
})
