import assert from 'node:assert/strict'
import { test } from 'node:test'
import { helloAt } from '@vicinity/client'
import { later } from '@vicinity/protocol'
import { type Profile, SPEC, TAC } from '@vicinity/protocol/robert'
import { Story } from './story.ts'

const app = {}

test('profile tac, as France deployed it: phones register, meet, declare, and the other one is warned', async () => {
  await using story = await Story.begin({ people: { A: app, B: app, C: app }, profile: TAC })
  const { counts, settings } = story.world.countries[0]!.deps
  assert.equal(settings.parameters.helloTolerance, 180)
  await story.near('C', 'A', { from: story.time(1, '09:00'), minutes: 20 })
  await story.declares('C')
  await story.everybodyAsks()
  assert.equal(story.isWarned('A'), true)
  assert.equal(story.isWarned('B'), false)
  assert.equal((await story.exposures('A')).length, 4)
  await story.everybodyAsks()
  assert.equal((counts.get('request.renew') ?? 0) > 0, true, 'the warning was acknowledged')
  // The JSON list of the registration ends after four days; what follows came in replies.
  const rotations = story.phone('B').rotations
  await story.until(story.time(8, '00:00'))
  assert.equal(story.phone('B').rotations - rotations > 5 * 96, true)
  assert.equal(
    [...counts.keys()].some((what) => what.startsWith('request.refused')),
    false,
  )
})

/** How many exposures A has after C heard a HELLO of A so many seconds late. */
async function heardLate(profile: Profile, seconds: number): Promise<number> {
  await using story = await Story.begin({ people: { A: app, C: { filter: 'none' } }, profile })
  await story.until(story.time(1, '09:05'))
  const hello = helloAt(story.phone('A').state, story.now)!
  await story.until(later(story.now, seconds))
  await story.phone('C').happens({ type: 'heard', hello })
  await story.declares('C', { days: 1 })
  return (await story.exposures('A')).length
}

test('a HELLO heard late counts up to 180 s in profile tac, below 12 s in profile spec', async () => {
  assert.deepEqual([await heardLate(TAC, 180), await heardLate(TAC, 181)], [1, 0])
  assert.deepEqual([await heardLate(SPEC, 11), await heardLate(SPEC, 12)], [1, 0])
})

test('a phone of one profile cannot register with a back-end of the other', async () => {
  await using story = await Story.begin({ people: {}, profile: TAC })
  const phone = story.world.addPhone('A')
  phone.state = { ...phone.state, settings: { ...phone.state.settings, profile: SPEC } }
  await phone.happens({ type: 'install' })
  assert.equal(phone.state.keys, undefined)
})
