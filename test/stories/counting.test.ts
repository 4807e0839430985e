import assert from 'node:assert/strict'
import { test } from 'node:test'
import { helloAt } from '@vicinity/client'
import type { Network } from '@vicinity/lab'
import { epochAt, later, toHex } from '@vicinity/protocol'
import { Story } from './story.ts'

const app = {}

test('ROBERT footnotes 13 to 16: a meeting over midnight counts on both sides of the change of server keys', async () => {
  await using story = await Story.begin({ people: { A: { skew: -3 }, C: app } })
  const from = story.time(1, '23:50')
  await story.near('C', 'A', { from, minutes: 20 })
  await story.declares('C', { days: 2 })
  const exposures = await story.exposures('A')
  const { calendar } = story.world.countries[0]!.deps
  const midnight = epochAt(calendar, story.time(2, '00:00'))
  assert.equal(
    exposures.some(({ epoch }) => epoch < midnight),
    true,
    'before midnight',
  )
  assert.equal(
    exposures.some(({ epoch }) => epoch >= midnight),
    true,
    'after midnight',
  )
  const { counts } = story.world.countries[0]!.deps
  assert.equal(counts.get('item.refused.6.epochMismatch'), undefined)
  assert.equal(counts.get('item.refused.8.macInvalid'), undefined)
})

test('a HELLO heard once, over midnight, is held back by the filter of the phone: one minute is too short', async () => {
  await using story = await Story.begin({ people: { A: app, C: app } })
  await story.until(story.time(1, '23:59:59'))
  const hello = helloAt(story.phone('A').state, story.now)!
  await story.until(story.time(2, '00:00:01'))
  await story.phone('C').happens({ type: 'heard', hello })
  await story.until(story.time(2, '00:10'))
  await story.declares('C', { days: 2 })
  assert.equal((await story.exposures('A')).length, 0)
})

test('without the filter a HELLO sent in the last second of a day and received in the first of the next counts, in the last slot of its epoch', async () => {
  await using story = await Story.begin({ people: { A: app, C: { filter: 'none' } } })
  await story.until(story.time(1, '23:59:59'))
  const hello = helloAt(story.phone('A').state, story.now)!
  await story.until(story.time(2, '00:00:01'))
  await story.phone('C').happens({ type: 'heard', hello })
  await story.declares('C', { days: 2 })
  assert.deepEqual(await story.exposures('A'), [{ epoch: 95, slot: 2, weight: 10 }])
})

test('the same item sent three times counts once', async () => {
  let lost = 0
  // The reply to every upload is lost twice: the phone sends the same bytes three times.
  const perItem = new Map<number, number>()
  let call = 0
  const network: Network = (endpoint) => {
    if (endpoint !== 'upload') return 'delivered'
    const turn = call++ % 3
    perItem.set(turn, (perItem.get(turn) ?? 0) + 1)
    if (turn === 2) return 'delivered'
    lost++
    return 'replyLost'
  }
  const parameters = { tokensPerDay: 16, uploadSpread: 0 }
  await using story = await Story.begin({ people: { A: app, C: { network } }, parameters })
  await story.near('C', 'A', { from: story.time(1, '09:00'), minutes: 20 })
  await story.declares('C', { days: 1 })
  await story.until(later(story.now, 86_400))
  assert.equal(lost > 0, true)
  const { counts } = story.world.countries[0]!.deps
  assert.equal(counts.get('upload.repeated'), lost)
  const exposures = await story.exposures('A')
  const cells = exposures.map(({ epoch, slot }) => `${epoch}.${slot}`)
  assert.equal(new Set(cells).size, cells.length, 'no slot twice')
  assert.equal(cells.length, 4, '20 minutes are four slots')
})

test('two patients with identical bytes count twice', async () => {
  await using story = await Story.begin({ people: { A: app, C: app, E: app } })
  // C and E stand side by side and hear the same broadcasts of A in the same seconds.
  for (let at = story.time(1, '09:00'); at < story.time(1, '09:05'); at = later(at, 20)) {
    await story.until(at)
    const hello = helloAt(story.phone('A').state, at)!
    for (const name of ['C', 'E']) await story.phone(name).happens({ type: 'heard', hello })
  }
  await story.until(story.time(1, '09:10'))
  for (const name of ['C', 'E']) await story.phone(name).happens({ type: 'wake' })
  const [first, second] = ['C', 'E'].map((name) => story.phone(name).log.map(({ item }) => toHex(item)))
  assert.deepEqual(first, second, 'the bytes are the same')
  await story.declares('C', { days: 1 })
  await story.declares('E', { days: 1 })
  assert.deepEqual(await story.exposures('A'), [
    { epoch: 36, slot: 0, weight: 50 },
    { epoch: 36, slot: 0, weight: 50 },
  ])
})

test('without consent no byte leaves the phone', async () => {
  await using story = await Story.begin({ people: { A: app, C: app } })
  await story.near('C', 'A', { from: story.time(1, '09:00'), minutes: 20 })
  const before = story.phone('C').calls.length
  const started = story.now
  await story.declares('C', { consent: false })
  const after = story.phone('C').calls.filter(({ at, endpoint }) => at >= started && endpoint !== 'request')
  assert.deepEqual(after, [])
  assert.equal(before >= 2, true)
  assert.deepEqual(await story.exposures('A'), [])
})
