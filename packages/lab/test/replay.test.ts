import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { BadReplay, replay } from '../src/replay.ts'
import type { ReplayOptions } from '../src/replay-options.ts'
import type { ReplayResult } from '../src/replay-result.ts'
import { loadTrace, parseTrace, type Trace } from '../src/trace.ts'

const office = (name: string) =>
  loadTrace(fileURLToPath(new URL(`../../../data/contacts/${name}.csv.gz`, import.meta.url)))
const small = office('workplace2013_invs13')

const WHOLE: ReplayOptions = { declare: [], wire: false, adoption: 1, loss: 0, filter: 'none', seed: 1 }

async function run(trace: Trace, options: Partial<ReplayOptions> = {}): Promise<ReplayResult> {
  const { robert, world } = await replay(trace, { ...WHOLE, ...options })
  await world.close()
  return robert!
}

/** Everybody who shares a record with one of these, from the trace itself. */
function neighbours(trace: Trace, ids: readonly number[]): number[] {
  const found = new Set<number>()
  trace.times.forEach((_, k) => {
    const [i, j] = [trace.left[k]!, trace.right[k]!]
    if (ids.includes(i)) found.add(j)
    if (ids.includes(j)) found.add(i)
  })
  return [...found].sort((a, b) => a - b)
}

test('the phones of InVS13 store exactly 5490 (receiver, EBID) pairs', async () => {
  const result = await run(small)
  assert.equal(result.receiverEbidPairs, 5490)
  assert.deepEqual([result.people, result.registered, result.records], [92, 92, 9827])
  assert.deepEqual([result.exposed, result.atRisk, result.itemsUploaded], [0, 0, 0])
})

test('the phones of InVS15 store exactly 33302 pairs; whoever met the two declared is exposed, nobody else', async () => {
  const large = office('workplace2015_invs15')
  const declare = [691, 215]
  const result = await run(large, { declare })
  assert.equal(result.receiverEbidPairs, 33_302)
  assert.deepEqual(result.exposedIds, neighbours(large, declare))
  assert.equal(result.declared, 2)
})

for (const id of [15, 95, 63, 271]) {
  test(`when ${id} of InVS13 declares, the exposed are exactly those who share a record with them`, async () => {
    const result = await run(small, { declare: [id] })
    assert.deepEqual(result.exposedIds, neighbours(small, [id]))
    assert.equal(result.exposed, result.exposedIds.length)
    const refused = Object.values(result.itemsRefused).reduce((sum, count) => sum + count, 0)
    assert.equal(result.itemsUploaded, result.itemsAccepted + refused, 'every item that was taken was judged')
    assert.equal(
      result.atRiskIds.every((warned) => result.exposedIds.includes(warned)),
      true,
    )
  })
}

test('the same through real HTTP: the same answer, bit by bit', async () => {
  const [{ seconds: _, ...direct }, { seconds: __, ...wired }] = [
    await run(small, { declare: [15] }),
    await run(small, { declare: [15], wire: true }),
  ]
  assert.deepEqual(wired, direct)
})

test('equal seeds give equal runs, another seed another run', async () => {
  const options = { adoption: 0.5, loss: 0.2, declare: [] }
  const results = []
  for (const seed of [7, 7, 8]) {
    const { seconds: _, ...result } = await run(small, { ...options, seed })
    results.push(JSON.stringify(result))
  }
  assert.equal(results[0], results[1])
  assert.notEqual(results[0], results[2])
})

test('adoption is the share of the people who register; what half of the office stores is about a quarter', async () => {
  const result = await run(small, { adoption: 0.5 })
  assert.equal(result.registered, 46)
  assert.equal(result.receiverEbidPairs > 5490 * 0.1 && result.receiverEbidPairs < 5490 * 0.45, true)
})

test('with every broadcast lost nobody stores anything', async () => {
  assert.equal((await run(small, { loss: 1 })).receiverEbidPairs, 0)
})

test('the default filter holds back who was heard in one minute only', async () => {
  // 1 and 2 meet for 40 s within a minute, 1 and 3 for two minutes.
  const trace = parseTrace('60,1,2\n80,1,2\n120,1,3\n140,1,3\n180,1,3\n200,1,3')
  assert.deepEqual((await run(trace, { declare: [1] })).exposedIds, [2, 3])
  assert.deepEqual((await run(trace, { declare: [1], filter: 'default' })).exposedIds, [3])
})

test('who has no application, or does not occur, cannot declare', async () => {
  await assert.rejects(
    run(small, { declare: [15], adoption: 0 }),
    new BadReplay('person 15 does not carry the application and cannot declare'),
  )
  await assert.rejects(run(small, { declare: [1] }), /person 1 does not occur in the trace/)
})

test('somebody who meets others for 20 minutes a patient is warned, by their own phone', async () => {
  const rows = Array.from({ length: 60 }, (_, k) => `${32_400 + 20 * k},1,2`)
  const result = await run(parseTrace(rows.join('\n')), { declare: [1], filter: 'default' })
  assert.deepEqual([result.exposedIds, result.atRiskIds], [[2], [2]])
})
