// Who joins, who leaves and joins again, and who tries to flood the registration.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RequestOf } from '@vicinity/protocol'
import { later, toHex } from '@vicinity/protocol'
import { drawPrivateKey, publicPoint } from '@vicinity/protocol/crypto'
import { solveChallenge } from '@vicinity/protocol/robert'
import { Story } from './story.ts'

const app = {}
const DAY = 86_400

/** Everything of a registration up to its last call. */
async function prepared(story: Story, name: string): Promise<RequestOf<'register'>> {
  const publicKey = publicPoint(drawPrivateKey(story.world.random(name)))
  const { challenge } = await story.country.call('challenge', { publicKey })
  return { publicKey, challenge, solution: solveChallenge(challenge) }
}

const refusedAs = (message: string) => ({ refused: true, message })

test('a flood of 200 registrations with proof of work: each is an account, and nobody else notices', async () => {
  await using story = await Story.begin({ people: { A: app, C: app }, parameters: { proofOfWork: 8 } })
  await story.near('C', 'A', { from: story.time(1, '09:00'), minutes: 20 })
  let hashes = 0
  for (let k = 0; k < 200; k++) {
    const registration = await prepared(story, `flood ${k}`)
    const counter = registration.solution.subarray(5)
    hashes += counter[0]! * 65_536 + counter[1]! * 256 + counter[2]! + 1
    await story.country.call('register', registration)
  }
  assert.equal(story.counted('registered'), 202)
  assert.equal(hashes > 200 * 128, true, `${hashes} hashes: about 256 for each account`)
  await story.declares('C', { days: 1 })
  await story.everybodyAsks()
  assert.equal(story.isWarned('A'), true)
})

test('a challenge that is spent, forged, of another key, unsolved or expired registers nobody', async () => {
  await using story = await Story.begin({ people: {}, parameters: { proofOfWork: 8, challengeLife: 300 } })
  const { call } = story.country
  const first = await prepared(story, 'first')
  await call('register', first)
  for (let again = 0; again < 50; again++) await assert.rejects(call('register', first), refusedAs('challengeSpent'))
  const second = await prepared(story, 'second')
  const turned = (at: number) => second.challenge.map((byte, i) => (i === at ? byte ^ 1 : byte))
  for (let at = 0; at < second.challenge.length; at++) {
    const challenge = turned(at)
    await assert.rejects(call('register', { ...second, challenge }), refusedAs('challengeForged'), `byte ${at}`)
  }
  const easy = { ...second, challenge: second.challenge.map((byte, i) => (i === 0 ? 0 : byte)) }
  await assert.rejects(call('register', easy), refusedAs('challengeForged'), 'made easier')
  await assert.rejects(call('register', { ...second, publicKey: first.publicKey }), refusedAs('challengeForged'))
  const guess = second.solution.map((byte) => byte ^ 0xff)
  await assert.rejects(call('register', { ...second, solution: guess }), refusedAs('challengeUnsolved'))
  assert.equal(story.counted('registered'), 1)
  await story.until(later(story.now, 299))
  const late = await prepared(story, 'late')
  await call('register', second)
  await story.until(later(story.now, 300))
  await assert.rejects(call('register', late), refusedAs('challengeExpired'))
  assert.equal(story.counted('registered'), 2)
})

test('who leaves and joins again is somebody else: another number, other keys, and nothing of before finds her', async () => {
  await using story = await Story.begin({ people: { A: app, C: app } })
  await story.near('C', 'A', { from: story.time(1, '09:00'), minutes: 20 })
  const [id, key] = [story.idOf('A'), story.phone('A').state.keys!.authenticationKey.slice()]
  await story.phone('A').happens({ type: 'leave' })
  assert.deepEqual(story.told('A'), ['broadcasting', 'left'])
  assert.deepEqual(story.phone('A').log, [])
  await story.phone('A').happens({ type: 'install' })
  assert.notEqual(story.idOf('A'), id)
  assert.notDeepEqual(story.phone('A').state.keys!.authenticationKey, key)

  // What C heard of the first account arrives now: it belongs to nobody, and warns nobody.
  await story.declares('C', { days: 1 })
  assert.equal(story.counted('item.accepted'), 0)
  assert.deepEqual(await story.exposuresOf(id), [])
  await story.everybodyAsks()
  assert.equal(story.isWarned('A'), false)

  // The second account is as good as any.
  await story.near('C', 'A', { from: story.time(2, '09:00'), minutes: 20 })
  await story.declares('C', { days: 1 })
  assert.deepEqual(await story.exposuresOf(id), [])
  assert.equal((await story.exposures('A')).length, 4)
  await story.everybodyAsks()
  assert.equal(story.isWarned('A'), true)
})

test('items that wait in their window while their subject leaves are applied to nobody', async () => {
  await using story = await Story.begin({ people: { A: app, C: app }, parameters: { poolWindow: DAY } })
  await story.near('C', 'A', { from: story.time(1, '09:00'), minutes: 20 })
  await story.declares('C', { days: 1 })
  const id = story.idOf('A')
  assert.equal(story.counted('upload.queued') >= 4, true)
  await story.phone('A').happens({ type: 'leave' })
  await story.phone('A').happens({ type: 'install' })
  await story.until(story.time(2, '01:00'))
  assert.equal(story.counted('item.accepted'), 0)
  assert.equal(story.counted('item.refused.5.unknownId') >= 4, true)
  assert.deepEqual([await story.exposuresOf(id), await story.exposures('A')], [[], []])
})

test('leaving while a warning waits to be told, or was told, leaves no trace of it in the next account', async () => {
  await using story = await Story.begin({ people: { A: app, B: app, C: app } })
  await story.near('C', 'A', { from: story.time(1, '09:00'), minutes: 20 })
  await story.declares('C', { days: 1 })
  await story.everybodyAsks()
  assert.equal(story.isWarned('A'), true)
  await story.phone('A').happens({ type: 'leave' })
  await story.until(later(story.now, DAY))
  await story.phone('A').happens({ type: 'install' })
  const since = story.told('A').length
  await story.until(later(story.now, 3 * DAY))
  assert.deepEqual(story.told('A').slice(since), [])
  const kinds = new Set(
    story
      .phone('A')
      .calls.slice(-12)
      .map(({ endpoint, request }) => [endpoint, kindOf(request)].join()),
  )
  assert.deepEqual(
    [...kinds].sort(),
    ['request,2', 'request,6'],
    'it asks its status like everybody who was never warned',
  )
})

const kindOf = (request: unknown): number =>
  Number.parseInt(toHex((request as RequestOf<'request'>).request.subarray(0, 1)), 16)
