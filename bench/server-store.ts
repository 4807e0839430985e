// What the store lets the flows do: status requests one by one and in batches, items out of a full queue, registrations.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { drawPrivateKey, publicPoint } from '@vicinity/protocol/crypto'
import { SIZE, solveChallenge } from '@vicinity/protocol/robert'
import { authenticatedRequests } from '../packages/server/src/flows/authenticated-requests.ts'
import { challenge } from '../packages/server/src/flows/challenge.ts'
import { processContacts } from '../packages/server/src/flows/process-contacts.ts'
import { register } from '../packages/server/src/flows/register.ts'
import { BATCH, NOW } from './items.ts'
import { percentile10, type Times } from './measure.ts'
import { type BackEnd, fillQueue, statusRequests } from './server-country.ts'

/** As the collector makes them. */
const TOGETHER = 32
const SLICES = 24
const SINGLES = 256
const BATCHES = 40
/** Calls that wait for a connection at once: more than there are connections, so that none is idle. */
const CALLERS = 32

export const STATUS_REQUESTS = SLICES * (SINGLES + TOGETHER * BATCHES)

/** Does `count` calls, so many at once. Nanoseconds. */
async function timed(count: number, atOnce: number, run: (k: number) => Promise<unknown>): Promise<number> {
  const start = performance.now()
  let next = 0
  const lane = async () => {
    while (next < count) await run(next++)
  }
  await Promise.all(Array.from({ length: atOnce }, lane))
  return 1e6 * (performance.now() - start)
}

/** Nanoseconds a request: in batches, and one by one, in turns over the same connections. */
export async function measureBatching(backEnd: BackEnd, first: number): Promise<Times> {
  const { deps } = backEnd
  const bytes = statusRequests(backEnd, first, STATUS_REQUESTS)
  const rows = Array.from({ length: STATUS_REQUESTS }, (_, k) => bytes.slice(SIZE.request * k, SIZE.request * (k + 1)))
  const lanes = deps.store.connections ?? 1
  const times: [number[], number[]] = [[], []]
  const slice = async (calls: number, size: number, atOnce: number): Promise<number> => {
    const batches = Array.from({ length: calls }, () => rows.splice(0, size))
    return (await timed(calls, atOnce, (k) => authenticatedRequests(deps, batches[k]!, NOW))) / (calls * size)
  }
  for (let k = 0; k < SLICES; k++) {
    times[0].push(await slice(BATCHES, TOGETHER, lanes))
    times[1].push(await slice(SINGLES, 1, CALLERS))
  }
  assert.equal(deps.counts.get('request.status'), STATUS_REQUESTS, 'every request was served')

  return [percentile10(times[0]), percentile10(times[1])]
}

/** Windows of so many batches: each sees commits and checkpoints of its own. */
const WINDOWS = 16
const WINDOW_BATCHES = 4

/** Nanoseconds an item, on the clock: back-ends in turns, window by window. */
export async function measureItems(backEnds: readonly BackEnd[]): Promise<readonly number[]> {
  const due = []
  for (const backEnd of backEnds) due.push(await fillQueue(backEnd, WINDOWS, WINDOW_BATCHES))
  const times: readonly number[][] = backEnds.map(() => [])
  for (let window = 0; window < WINDOWS; window++) {
    for (const [k, { deps }] of backEnds.entries()) {
      const start = performance.now()
      await processContacts(deps, due[k]![window]!)
      times[k]!.push((1e6 * (performance.now() - start)) / (WINDOW_BATCHES * BATCH))
    }
  }
  const items = WINDOWS * WINDOW_BATCHES * BATCH
  for (const { deps } of backEnds) assert.equal(deps.counts.get('item.accepted'), items, 'every item was applied')
  return times.map(percentile10)
}

const REGISTRATIONS = 512

/** Nanoseconds a registration, as phones come: many at once, each with its challenge, which it has solved. */
export async function measureRegistrations({ deps }: Pick<BackEnd, 'deps'>): Promise<number> {
  const phones = Array.from({ length: REGISTRATIONS }, () => publicPoint(drawPrivateKey(randomBytes)))
  const before = deps.counts.get('registered') ?? 0
  const time = await timed(REGISTRATIONS, CALLERS, async (k) => {
    const publicKey = phones[k]!
    const given = await challenge(deps, { publicKey }, NOW)
    await register(deps, { publicKey, challenge: given.challenge, solution: solveChallenge(given.challenge) }, NOW)
  })
  assert.equal(deps.counts.get('registered'), before + REGISTRATIONS)
  return time / REGISTRATIONS
}
