// HELLOs that are said again later, or changed: whoever does that exposes nobody (ROBERT §5.2 step 3, §6.2 steps 2, 6 and 8).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { helloAt } from '@vicinity/client'
import { later, ntpOf, type UnixSeconds } from '@vicinity/protocol'
import { packItem, packSignal, SIZE } from '@vicinity/protocol/robert'
import { Story } from './story.ts'

const people = { A: {}, B: {}, C: { filter: 'none' } } as const
const LOUD = packSignal({ strengthClass: 10, minutes: 5 })

/** What A says on the first day at 04:00. */
async function said(): Promise<{ story: Story; hello: Uint8Array }> {
  const story = await Story.begin({ people })
  await story.until(story.time(1, '04:00'))
  const { state, now } = story.phone('A')
  return { story, hello: helloAt(state, now())! }
}

/** C hears it so many seconds later, and declares in the end. */
async function heardLater(seconds: number) {
  const { story, hello } = await said()
  await story.until(later(story.now, seconds))
  await story.phone('C').happens({ type: 'heard', hello })
  const { ignored } = story.phone('C').state
  await story.until(story.time(4, '00:00'))
  const kept = story.phone('C').log.length
  await story.declares('C', { days: 4 })
  return { story, kept, ignored }
}

/** Uploaded by somebody who changed the phone: the host's log holds what was never heard. */
async function claim(story: Story, items: readonly { hello: Uint8Array; time: UnixSeconds }[]): Promise<void> {
  story.phone('C').log = items.map(({ hello, time }) => ({ time, item: packItem(hello, ntpOf(time), LOUD) }))
  await story.until(later(story.now, 86_400))
  await story.declares('C', { days: 4 })
}

test('said again after a second it is as good as the first time: within δ nobody can tell', async () => {
  const { story, kept } = await heardLater(1)
  await using _ = story
  assert.equal(kept, 1)
  assert.deepEqual(await story.exposures('A'), [{ epoch: 16, slot: 0, weight: 10 }])
})

for (const [name, seconds] of [
  ['12 s', 12],
  ['5 minutes', 300],
  ['a day', 86_400],
] as const) {
  test(`said again after ${name}: no honest phone takes it`, async () => {
    const { story, kept, ignored } = await heardLater(seconds)
    await using _ = story
    assert.deepEqual([kept, ignored], [0, 1])
    assert.deepEqual(await story.exposures('A'), [])
  })

  test(`said again after ${name}, and uploaded by a phone that was changed: step 2 refuses it`, async () => {
    const { story, hello } = await said()
    await using _ = story
    await claim(story, [{ hello, time: later(story.now, seconds) }])
    assert.equal(story.counted('item.refused.2.helloTooFarFromTime'), 1)
    assert.deepEqual(await story.exposures('A'), [])
  })
}

for (const [turns, step] of [
  [1, 'item.refused.6.epochMismatch'],
  // A day and a half later and more, the server key is another: what it opens is nobody.
  [2, 'item.refused.5.unknownId'],
  [3, 'item.refused.5.unknownId'],
] as const) {
  test(`said again after ${turns} times 65,536 s: its 16 bits are fresh again, the phone takes it, and the back-end refuses it`, async () => {
    const { story, kept, ignored } = await heardLater(turns * 65_536)
    await using _ = story
    assert.deepEqual([kept, ignored], [1, 0])
    assert.equal(story.counted(step) >= 1, true)
    assert.equal(story.counted('item.accepted'), 0)
    assert.deepEqual(await story.exposures('A'), [])
  })
}

test('none of the 128 bits of a HELLO can be turned: nobody is exposed, while the HELLO itself counts', async () => {
  const { story, hello } = await said()
  await using _ = story
  const time = story.now
  const turned = Array.from({ length: 8 * SIZE.hello }, (_, bit) => ({
    hello: hello.map((byte, i) => (i === bit >> 3 ? byte ^ (0x80 >> (bit & 7)) : byte)),
    time,
  }))
  await claim(story, turned)
  for (const name of ['A', 'B', 'C']) assert.deepEqual(await story.exposures(name), [], name)
  assert.equal(story.counted('item.accepted'), 0)
  // The bits of the country and of the MAC, and those of the time within δ, come as far as the MAC.
  assert.equal(story.counted('item.refused.8.macInvalid') >= 8 + 40, true)
  assert.equal(story.counted('item.refused.2.helloTooFarFromTime') >= 10, true)
  await claim(story, [{ hello, time }])
  assert.deepEqual(await story.exposures('A'), [{ epoch: 16, slot: 0, weight: 50 }])
})
