// Epochs of other lengths than 900 s: fixed when a service is set up, and everything else follows.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { helloAt } from '@vicinity/client'
import { epochAt } from '@vicinity/protocol'
import { Story } from './story.ts'

const app = {}

// Of short epochs a reply carries less than a day: phones ask more often (the back-end refuses to start otherwise).
for (const parameters of [
  { epochDuration: 300, statusGap: 60, pollInterval: 21_600, pollJitter: 3600 },
  { epochDuration: 600, statusGap: 36 },
  { epochDuration: 1200, statusGap: 18 },
]) {
  const { epochDuration } = parameters

  test(`epochs of ${epochDuration} s: a meeting of 20 minutes is four slots of five minutes, and warns`, async () => {
    await using story = await Story.begin({ people: { A: app, B: app, C: app }, parameters })
    await story.near('C', 'A', { from: story.time(1, '09:00'), minutes: 20 })
    await story.near('C', 'B', { from: story.time(1, '10:00'), minutes: 10 })
    await story.declares('C', { days: 1 })
    const cells = (await story.exposures('A')).map(({ epoch, slot }) => epoch * epochDuration + slot * 300)
    cells.sort((a, b) => a - b)
    assert.deepEqual(
      cells,
      [0, 300, 600, 900].map((seconds) => 9 * 3600 + seconds),
    )
    await story.everybodyAsks()
    assert.deepEqual([story.isWarned('A'), story.isWarned('B')], [true, false])
  })

  test(`epochs of ${epochDuration} s: the identifier changes with each, also over midnight, and a meeting over midnight counts`, async () => {
    await using story = await Story.begin({ people: { A: app, C: app }, parameters })
    await story.near('C', 'A', { from: story.time(1, '23:50'), minutes: 20 })
    const { calendar } = story.country.deps
    assert.equal(story.phone('A').rotations, epochAt(calendar, story.now) + 1)
    await story.declares('C', { days: 2 })
    const epochs = (await story.exposures('A')).map(({ epoch }) => epoch)
    const midnight = epochAt(calendar, story.time(2, '00:00'))
    assert.equal(epochs.some((epoch) => epoch < midnight) && epochs.some((epoch) => epoch >= midnight), true)
    assert.equal(story.counted('item.accepted'), 4)
  })

  test(`epochs of ${epochDuration} s: a phone has identifiers for ever, and no status request comes too early`, async () => {
    await using story = await Story.begin({ people: { A: app }, parameters })
    for (let day = 1; day <= 40; day++) {
      await story.until(story.time(day, '22:00'))
      assert.notEqual(helloAt(story.phone('A').state, story.now), undefined, `day ${day}`)
    }
    assert.deepEqual(story.told('A'), ['broadcasting'])
    assert.equal(story.counted('request.refused.tooEarly'), 0)
  })
}
