import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type LabPhone, type Network, permanentIdOf } from '@vicinity/lab'
import { api, type RequestOf } from '@vicinity/protocol'
import { CODE } from '@vicinity/protocol/robert'
import { Story } from './story.ts'

const app = {}

/** A network that does what `next` says, once, to the next call of that endpoint; everything else is delivered. */
function moody(): { network: Network; next: { endpoint: string; fate: ReturnType<Network>; times: number } } {
  const next = { endpoint: '', fate: 'delivered' as ReturnType<Network>, times: 0 }
  const network: Network = (endpoint) => {
    if (endpoint !== next.endpoint || next.times === 0) return 'delivered'
    next.times--
    return next.fate
  }
  return { network, next }
}

const meetAndDeclare = async (story: Story) => {
  await story.near('C', 'A', { from: story.time(1, '09:00'), minutes: 20 })
  await story.declares('C')
}

test('a lost answer "1" is given again, whatever follows, until the phone has acknowledged it', async () => {
  const { network, next } = moody()
  await using story = await Story.begin({ people: { A: { network }, C: app } })
  await meetAndDeclare(story)
  // Everything of the next exchange is lost on the way back.
  Object.assign(next, { endpoint: 'request', fate: 'replyLost', times: 8 })
  await story.everybodyAsks()
  const { counts } = story.world.countries[0]!.deps
  assert.equal(next.times < 8, true, 'the phone asked and heard nothing')
  assert.equal(story.isWarned('A'), false)
  next.times = 0
  await story.everybodyAsks()
  await story.everybodyAsks()
  assert.equal(story.isWarned('A'), true)
  const warnings = story.phone('A').notices.filter(({ what }) => what === 'atRisk')
  assert.equal(warnings.length, 1, 'the user is told once')
  const asked = counts.get('request.status')
  await story.everybodyAsks()
  assert.equal((counts.get('request.renew') ?? 0) > 0, true, 'acknowledged: from now on it renews')
  assert.equal(await notified(story, 'A'), 'acknowledged')
  assert.equal(counts.get('request.refused.alreadyNotified'), undefined, 'and it never asks its status again')
  assert.notEqual(asked, undefined)
})

test('a lost acknowledgement loses nothing: the user was warned, and a later one settles it', async () => {
  let losing = true
  let lost = 0
  const network: Network = (endpoint, request) => {
    const isAcknowledgement =
      endpoint === 'request' && (request as RequestOf<'request'>).request[0] === CODE.acknowledge
    if (!losing || !isAcknowledgement) return 'delivered'
    lost++
    return 'requestLost'
  }
  await using story = await Story.begin({ people: { A: { network }, C: app } })
  await meetAndDeclare(story)
  await story.everybodyAsks()
  assert.equal(story.isWarned('A'), true)
  assert.equal(lost > 0, true)
  assert.equal(await notified(story, 'A'), 'pending')
  losing = false
  await story.everybodyAsks()
  assert.equal(await notified(story, 'A'), 'acknowledged')
})

/** UN of a person, read from the store. */
async function notified(story: Story, name: string): Promise<string | undefined> {
  const country = story.world.countries[0]!
  const id = permanentIdOf(story.world, country, story.phone(name))!
  const users = await country.deps.store.transaction((tx) => tx.usersOf([id]))
  return users.get(id)?.status.notified
}

/** What somebody on the network path sees of a phone from a time on: paths and sizes, call by call. */
const traffic = (phone: LabPhone, since: number): string[] =>
  phone.calls
    .filter(({ at }) => at > since)
    .map(({ endpoint, request }) => {
      const encode = api[endpoint].request.encode as (value: unknown) => unknown
      return `${api[endpoint].path} ${JSON.stringify(encode(request as RequestOf<'request'>)).length}`
    })

test('a notified phone goes on broadcasting and sends the same traffic as others', async () => {
  await using story = await Story.begin({ people: { A: app, B: app, C: app } })
  await meetAndDeclare(story)
  await story.everybodyAsks()
  assert.equal(story.isWarned('A'), true)
  assert.equal(story.isWarned('B'), false)

  const since = story.now
  const rotations = story.phone('A').rotations
  await story.until(story.time(9, '00:00'))
  const [notified, other] = [traffic(story.phone('A'), since), traffic(story.phone('B'), since)]
  assert.deepEqual(new Set(notified), new Set(other), 'the same paths and sizes')
  assert.equal(new Set(notified).size, 1)
  assert.equal(notified.length % 2, 0, 'each question is followed by its acknowledgement')
  assert.equal(Math.abs(notified.length - other.length) <= 4, true, `${notified.length} and ${other.length} calls`)

  // Eight days later, twice the length of the first list, A still broadcasts and is heard.
  assert.equal(story.phone('A').rotations - rotations > 7 * 96 - 2, true)
  await story.near('A', 'B', { from: story.time(9, '09:00'), minutes: 20 })
  assert.equal(story.phone('B').log.length > 0, true)
  await story.declares('B', { days: 3 })
  assert.equal((await story.exposures('A')).length > 0, true)
})

test('a phone whose clock is an hour wrong is set right when it registers, and is warned like any other', async () => {
  await using story = await Story.begin({ people: { A: { skew: 3600 }, C: { skew: -3600 } } })
  await meetAndDeclare(story)
  await story.everybodyAsks()
  assert.equal(story.isWarned('A'), true)
})
