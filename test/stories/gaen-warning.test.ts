// GAEN from the daily key to the warning: phones, verification, key server, exports, matching, risk.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dayOf, later } from '@vicinity/protocol'
import { FAR, GaenStory } from './gaen-story.ts'

for (const rotation of ['random', 'interval'] as const) {
  for (const sameDayKey of ['cut', 'heldBack'] as const) {
    test(`GAEN: A and B talk for half an hour, B is diagnosed the same day, A is warned and C far away is not (${rotation}, ${sameDayKey})`, async () => {
      await using story = await GaenStory.begin(['A', 'B', 'C'], { rotation, sameDayKey })
      await story.near('A', 'B', story.time(3, '10:00'), 30)
      await story.near('B', 'C', story.time(3, '11:00'), 30, FAR)
      await story.until(story.time(3, '15:00'))
      await story.declares('B')
      assert.deepEqual(story.phone('B').notices, [{ what: 'keysPublished', count: 3 }])
      await story.everybodyLooks()
      assert.deepEqual(story.phone('A').notices, [{ what: 'atRisk', exposureDay: dayOf(story.time(3, '10:00')) }])
      assert.deepEqual(story.told('C'), [])
      assert.equal(story.phone('C').state.exposures.length, 1, 'C heard B, from afar')
      assert.deepEqual(story.told('B'), ['keysPublished'])
    })
  }
}

test('GAEN: what was said in the very minute of the diagnosis counts too, the key of the day being cut or not', async () => {
  for (const sameDayKey of ['cut', 'heldBack'] as const) {
    await using story = await GaenStory.begin(['A', 'B'], { sameDayKey })
    await story.near('A', 'B', story.time(2, '14:40'), 30)
    await story.declares('B')
    await story.everybodyLooks()
    assert.deepEqual(story.told('A'), ['atRisk'])
    const sightings = story.phone('A').state.exposures.flatMap((exposure) => exposure.sightings)
    assert.equal(sightings.length, 7)
  }
})

test('GAEN: who is met after the diagnosis on the same day learns of it with the next one', async () => {
  await using story = await GaenStory.begin(['A', 'B'])
  await story.until(story.time(2, '10:00'))
  await story.declares('B')
  await story.near('A', 'B', story.time(2, '12:00'), 30)
  await story.everybodyLooks()
  assert.deepEqual(story.told('A'), [])
  await story.declares('B')
  await story.everybodyLooks()
  assert.deepEqual(story.told('A'), ['atRisk'])
})

test('GAEN: a diagnosis that is taken back ends the warning', async () => {
  await using story = await GaenStory.begin(['A', 'B'])
  await story.near('A', 'B', story.time(2, '10:00'), 30)
  await story.declares('B', 'likely')
  await story.everybodyLooks()
  assert.deepEqual(story.told('A'), ['atRisk'])
  await story.declares('B', 'negative')
  await story.everybodyLooks()
  assert.deepEqual(story.told('A'), ['atRisk', 'warningEnded'])
  assert.deepEqual(story.told('B'), ['keysPublished', 'keysTakenBack'])
  await story.until(later(story.now, 5 * 86_400))
  assert.deepEqual(story.told('A'), ['atRisk', 'warningEnded'])
})

test('GAEN: a likely diagnosis that is confirmed warns once; whom B met since is warned too', async () => {
  await using story = await GaenStory.begin(['A', 'B', 'C'])
  await story.near('A', 'B', story.time(2, '10:00'), 30)
  await story.declares('B', 'likely')
  await story.everybodyLooks()
  await story.near('B', 'C', story.time(5, '10:00'), 30)
  await story.declares('B', 'confirmed')
  await story.everybodyLooks()
  assert.deepEqual([story.told('A'), story.told('C')], [['atRisk'], ['atRisk']])
  assert.deepEqual(story.told('B'), ['keysPublished', 'keysPublished'])
})

test('GAEN: a confirmed diagnosis is not taken back: the code is refused, and the warning stays', async () => {
  await using story = await GaenStory.begin(['A', 'B'])
  await story.near('A', 'B', story.time(2, '10:00'), 30)
  await story.declares('B')
  await story.everybodyLooks()
  await story.declares('B', 'negative')
  await story.everybodyLooks()
  assert.deepEqual([story.told('A'), story.told('B')], [['atRisk'], ['keysPublished', 'codeRefused']])
})

test('GAEN: after a negative test B falls ill in truth, and a new diagnosis warns again', async () => {
  await using story = await GaenStory.begin(['A', 'B', 'C'])
  await story.near('A', 'B', story.time(2, '10:00'), 30)
  await story.declares('B', 'likely')
  await story.declares('B', 'negative')
  await story.near('B', 'C', story.time(4, '10:00'), 30)
  await story.declares('B', 'confirmed')
  await story.everybodyLooks()
  assert.deepEqual(story.told('B'), ['keysPublished', 'keysTakenBack', 'keysPublished'])
  assert.deepEqual([story.told('A'), story.told('C')], [[], ['atRisk']])
})

test('GAEN: without consent nobody learns anything; a code works once', async () => {
  await using story = await GaenStory.begin(['A', 'B', 'C'])
  await story.near('A', 'B', story.time(2, '10:00'), 30)
  const code = await story.country.gaen.issueCode('confirmed')
  await story.enters('B', code, false)
  await story.everybodyLooks()
  assert.deepEqual([story.told('A'), story.told('B')], [[], []])
  const fresh = await story.country.gaen.issueCode('confirmed')
  await story.enters('B', fresh)
  await story.enters('C', fresh)
  assert.deepEqual([story.told('B'), story.told('C')], [['keysPublished'], ['codeRefused']])
})

test('GAEN: a code that ran out is refused', async () => {
  await using story = await GaenStory.begin(['B'])
  await story.until(story.time(2, '10:00'))
  const code = await story.country.gaen.issueCode('confirmed')
  await story.until(story.time(2, '10:16'))
  await story.enters('B', code)
  assert.deepEqual(story.told('B'), ['codeRefused'])
})

test('GAEN: weeks of chaff change nothing: no key is published, nobody is warned', async () => {
  await using story = await GaenStory.begin(['A', 'B'])
  await story.near('A', 'B', story.time(2, '10:00'), 30)
  await story.until(story.time(22, '00:00'))
  const { counts } = story.country.deps
  assert.ok((counts.get('publish.chaff') ?? 0) > 5)
  assert.equal(counts.get('publish.stored'), undefined)
  assert.deepEqual([story.told('A'), story.told('B')], [[], []])
})

test('GAEN: who leaves is neither heard nor warned, and what they had heard is gone', async () => {
  await using story = await GaenStory.begin(['A', 'B'])
  await story.near('A', 'B', story.time(2, '10:00'), 30)
  await story.phone('A').happens({ type: 'leave' })
  assert.equal(story.phone('A').log.length, 0)
  await story.declares('B')
  await story.everybodyLooks()
  assert.deepEqual(story.told('A'), ['left'])
})
