// Codes of the health authority: used twice, guessed, too late, by somebody else, without consent.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { later } from '@vicinity/protocol'
import { Story } from './story.ts'

const app = {}
const DAY = 86_400

/** C met A, E met B, both for 20 minutes on the first morning. */
async function meetings(): Promise<Story> {
  const story = await Story.begin({ people: { A: app, B: app, C: app, E: app } })
  await story.near('C', 'A', { from: story.time(1, '09:00'), minutes: 20 })
  await story.near('E', 'B', { from: story.time(1, '10:00'), minutes: 20 })
  await story.until(story.time(1, '12:00'))
  return story
}

const codeOf = (story: Story): Promise<string> => story.codeFor(story.time(1, '00:00'), story.now)
/** Calls of a declaration that a phone made. */
const callsOf = (story: Story, name: string, endpoint: string): number =>
  story.phone(name).calls.filter((call) => call.endpoint === endpoint).length

test('declared twice with the same code: the second time the code is refused, and nothing counts twice', async () => {
  await using story = await meetings()
  const code = await codeOf(story)
  await story.declaresWith('C', code)
  const exposures = await story.exposures('A')
  const sent = callsOf(story, 'C', 'upload')
  await story.declaresWith('C', code)
  assert.deepEqual(story.told('C'), ['broadcasting', 'declarationSent', 'codeRefused'])
  assert.deepEqual(await story.exposures('A'), exposures)
  assert.equal(callsOf(story, 'C', 'upload'), sent)
})

test('declared twice with two codes: each item counts once for each, and of a slot the two count, so it is bounded', async () => {
  await using story = await meetings()
  await story.declaresWith('C', await codeOf(story))
  const once = await story.exposures('A')
  for (let times = 2; times <= 3; times++) {
    await story.declaresWith('C', await codeOf(story))
    const cells = (await story.exposures('A')).map(({ epoch, slot }) => `${epoch}.${slot}`)
    assert.equal(cells.length, times * once.length)
    assert.equal(new Set(cells).size, once.length, 'no slot that was not there')
  }
  assert.deepEqual(await story.exposures('B'), [])
  await story.everybodyAsks()
  assert.equal(story.isWarned('A'), true)
  assert.equal(story.told('A').filter((what) => what === 'atRisk').length, 1)
})

test('three declarations of one short meeting do not warn: ten minutes are two slots', async () => {
  await using story = await Story.begin({ people: { A: app, C: app } })
  await story.near('C', 'A', { from: story.time(1, '09:00'), minutes: 10 })
  await story.until(story.time(1, '12:00'))
  for (let times = 0; times < 3; times++) await story.declaresWith('C', await codeOf(story))
  assert.equal((await story.exposures('A')).length, 6)
  await story.everybodyAsks()
  assert.equal(story.isWarned('A'), false)
})

test('a guessed code is refused before anything leaves the phone but the code', async () => {
  await using story = await meetings()
  await codeOf(story)
  for (const guess of ['0000-0000-0000-0000', 'ZZZZ-ZZZZ-ZZZZ-ZZZZ', '0A1B-2C3D-4E5F-6G7H']) {
    await story.declaresWith('C', guess)
  }
  assert.deepEqual(story.told('C'), ['broadcasting', 'codeRefused', 'codeRefused', 'codeRefused'])
  assert.deepEqual([callsOf(story, 'C', 'codeWindow'), callsOf(story, 'C', 'redeemCode')], [3, 0])
  assert.equal(story.counted('upload.queued'), 0)
})

test('what is no code is refused on the phone', async () => {
  await using story = await meetings()
  for (const typed of ['', '0A1B', '0A1B-2C3D-4E5F-6G7H-8', 'code of the authority'])
    await story.declaresWith('C', typed)
  assert.equal(callsOf(story, 'C', 'codeWindow'), 0)
  assert.equal(story.told('C').filter((what) => what === 'codeRefused').length, 4)
})

test('a code is good for three days to the second, and not for one more', async () => {
  await using story = await meetings()
  const code = await codeOf(story)
  const other = await codeOf(story)
  const expires = later(story.now, 3 * DAY)
  await story.until(later(expires, -1))
  await story.phone('C').happens({ type: 'declare', code })
  await story.phone('C').happens({ type: 'consent', given: true })
  await story.until(expires)
  await story.declaresWith('E', other)
  assert.deepEqual(story.told('E'), ['broadcasting', 'codeRefused'])
  assert.deepEqual(story.told('C'), ['broadcasting', 'declarationSent'])
  assert.equal((await story.exposures('A')).length, 4)
  assert.deepEqual(await story.exposures('B'), [])
})

test('a code that was used is of no use to another phone', async () => {
  await using story = await meetings()
  const code = await codeOf(story)
  await story.declaresWith('C', code)
  const queued = story.counted('upload.queued')
  await story.declaresWith('E', code)
  assert.deepEqual(story.told('E'), ['broadcasting', 'codeRefused'])
  assert.equal(callsOf(story, 'E', 'upload'), 0)
  assert.equal(story.counted('upload.queued'), queued)
  assert.deepEqual(await story.exposures('B'), [])
})

test('a code may be typed in any case, with spaces, and with the letters that look alike', async () => {
  await using story = await meetings()
  const code = await codeOf(story)
  const typed = ` ${code.toLowerCase().replaceAll('-', ' ').replaceAll('0', 'o').replaceAll('1', 'l')} `
  await story.declaresWith('C', typed)
  assert.deepEqual(story.told('C'), ['broadcasting', 'declarationSent'])
})

test('consent refused: nothing leaves the phone; who agrees later with the same code is served', async () => {
  await using story = await meetings()
  const code = await codeOf(story)
  await story.declaresWith('C', code, false)
  for (const endpoint of ['codeWindow', 'redeemCode', 'upload']) assert.equal(callsOf(story, 'C', endpoint), 0)
  await story.phone('C').happens({ type: 'consent', given: true })
  assert.equal(callsOf(story, 'C', 'codeWindow'), 0, 'a consent is for the code that was entered before it')
  await story.declaresWith('C', code)
  assert.deepEqual(story.told('C'), ['broadcasting', 'declarationSent'])
  assert.equal((await story.exposures('A')).length, 4)
})
