// The clock of a phone is set wrong after it registered. Its registration had corrected it; now it is off until a reply corrects it
// again, and a phone that is off by a minute or more gets none.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Story } from './story.ts'

const app = {}
const DAY = 86_400

/** Two good meetings, and between them a clock that is set wrong on the first day at 11:00. */
async function life(skew: number): Promise<Story> {
  const story = await Story.begin({ people: { A: app, B: app, C: app } })
  await story.near('C', 'A', { from: story.time(1, '10:00'), minutes: 20 })
  await story.until(story.time(1, '11:00'))
  await story.setClock('A', skew)
  await story.near('A', 'B', { from: story.time(1, '11:10'), minutes: 20 })
  return story
}

const away = (skew: number) => `${Math.abs(skew)} s ${skew > 0 ? 'ahead' : 'behind'}`

for (const skew of [1, -1, 11, -11]) {
  test(`${away(skew)}: it hears and is heard, and is warned`, async () => {
    await using story = await life(skew)
    assert.equal(story.phone('B').log.length > 0, true)
    assert.equal(story.phone('A').state.ignored, 0)
    await story.declares('B', { days: 1 })
    await story.everybodyAsks()
    assert.equal(story.isWarned('A'), true)
    assert.equal(story.phone('A').state.clockOffset, -skew)
  })
}

for (const skew of [12, -12, 59, -59]) {
  test(`${away(skew)}: nobody takes its HELLOs until its next reply corrects it; then it is warned of what was before`, async () => {
    await using story = await life(skew)
    assert.equal(story.phone('B').log.length, 0, 'δ is 12 s, strict')
    await story.declares('C', { days: 1 })
    await story.everybodyAsks()
    assert.equal(story.phone('A').state.clockOffset, -skew)
    assert.equal(story.isWarned('A'), true)
    await story.near('A', 'B', { from: story.time(2, '10:00'), minutes: 20 })
    assert.equal(story.phone('B').log.length > 0, true)
    assert.equal(story.counted('registered'), 3)
  })
}

for (const skew of [60, -60, 61, -61, 3600, -3600, DAY, -DAY]) {
  test(`${away(skew)}: no request is understood, so after three of them it registers anew and is right; a later meeting warns it`, async () => {
    await using story = await life(skew)
    assert.equal(story.phone('B').log.length, 0)
    const days = 3 + Math.max(0, -Math.sign(skew) * Math.round(Math.abs(skew) / DAY))
    await story.until(story.time(days, '08:00'))
    assert.equal(story.told('A').includes('registeredAnew'), true)
    assert.equal(story.counted('registered'), 4)
    assert.equal(story.counted('request.refused.clockTooFar') >= 3, true)
    assert.equal(story.phone('A').state.clockOffset, -skew)
    await story.near('A', 'B', { from: story.time(days, '09:00'), minutes: 20 })
    assert.equal(story.phone('B').log.length > 0, true)
    await story.declares('B', { days: 1 })
    await story.everybodyAsks()
    assert.equal(story.isWarned('A'), true)
  })
}

test('what a phone heard while its clock was wrong by a minute or more counts for nobody', async () => {
  await using story = await Story.begin({ people: { A: app, B: app } })
  await story.until(story.time(1, '10:00'))
  await story.setClock('A', 61)
  await story.near('A', 'B', { from: story.time(1, '10:10'), minutes: 20 })
  assert.deepEqual([story.phone('A').log, story.phone('B').log], [[], []])
  assert.equal(story.phone('A').state.ignored > 0, true)
})

test('a clock that is set right again before the phone asks costs the identifiers of the time that it skipped, and no more', async () => {
  await using story = await life(3600)
  await story.setClock('A', 0)
  await story.near('A', 'B', { from: story.time(1, '12:00'), minutes: 20 })
  assert.equal(story.phone('B').log.length, 0, 'they were dropped as past')
  await story.near('A', 'B', { from: story.time(1, '13:00'), minutes: 20 })
  assert.equal(story.phone('B').log.length > 0, true)
  assert.deepEqual(story.told('A'), ['broadcasting', 'identifiersExhausted', 'broadcasting'])
  await story.declares('C', { days: 1 })
  await story.everybodyAsks()
  assert.equal(story.isWarned('A'), true)
  assert.equal(story.counted('request.refused.clockTooFar'), 0)
})
