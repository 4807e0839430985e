// The two figures of the specification (ROBERT §1.1): their captions are all that is left, and these are the stories they tell.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Story } from './story.ts'

const app = {}

test('figure 1: without the application C infects A, A infects B, B infects D, and nobody is warned', async () => {
  await using story = await Story.begin({ people: { C: app } })
  await story.near('C', 'A', { from: story.time(1, '09:00'), minutes: 20 })
  await story.near('A', 'B', { from: story.time(2, '09:00'), minutes: 20 })
  await story.declares('C')
  await story.near('B', 'D', { from: story.time(3, '09:00'), minutes: 20 })
  const { counts } = story.world.countries[0]!.deps
  assert.equal(counts.get('item.accepted'), undefined, 'C heard nobody, so nobody can be exposed')
})

test('figure 2: C declares and A is warned, A declares and B is warned and stays away from D', async () => {
  await using story = await Story.begin({ people: { A: app, B: app, C: app, D: app } })
  await story.near('C', 'A', { from: story.time(1, '09:00'), minutes: 20 })
  await story.near('A', 'B', { from: story.time(2, '09:00'), minutes: 20 })
  await story.declares('C')
  await story.everybodyAsks()
  assert.equal(story.isWarned('A'), true, 'A met C')
  assert.equal(story.isWarned('B'), false, 'B met A, who is not diagnosed yet')

  await story.declares('A')
  await story.everybodyAsks()
  assert.equal(story.isWarned('B'), true, 'B met A')

  // B would meet D on the third day, and stays at home because of the warning.
  if (!story.isWarned('B')) await story.near('B', 'D', { from: story.time(3, '12:00'), minutes: 20 })
  await story.declares('B')
  await story.everybodyAsks()
  assert.equal(story.isWarned('D'), false)
  assert.deepEqual(await story.exposures('D'), [])
})

test('figure 2, a link without the application: A is not warned, so B is not, and D is exposed', async () => {
  await using story = await Story.begin({ people: { B: app, C: app, D: app } })
  await story.near('C', 'A', { from: story.time(1, '09:00'), minutes: 20 })
  await story.near('A', 'B', { from: story.time(2, '09:00'), minutes: 20 })
  await story.declares('C')
  await story.everybodyAsks()
  assert.equal(story.isWarned('B'), false)

  if (!story.isWarned('B')) await story.near('B', 'D', { from: story.time(3, '12:00'), minutes: 20 })
  await story.declares('B')
  assert.equal((await story.exposures('D')).length > 0, true)
  await story.everybodyAsks()
  assert.equal(story.isWarned('D'), true)
})
