// All of ROBERT §6.2 for uploaded items, from bytes to verdicts, the users in memory: against the same call by call, and against a
// hand-tuned program in C. All items are valid, so none is spared a step.
import assert from 'node:assert/strict'
import { SIZE } from '@vicinity/protocol/robert'
import { locateContacts } from '../packages/protocol/src/robert/contact.ts'
import { type ContactVerdicts, decideContacts, verdictOf } from '../packages/protocol/src/robert/contact-decision.ts'
import { judgeItem, type Oracle } from '../packages/protocol/test/oracle/contact.ts'
import type { Bench, Group } from './group.ts'
import { BATCH, type Country, countryOf, NOW } from './items.ts'
import { AVX2, against, againstPeer, type Work } from './measure.ts'

/** Users, with what is demanded against the C program: with few of them the table stays in the cache. */
const SIZES = [
  { name: 'pipeline, 20 000 users', users: 20_000, demand: 0.42 },
  { name: 'pipeline, 1 million users', users: 1_000_000, demand: 0.35 },
]
const NAIVE_DEMAND = 25

function judge({ context, table }: Country, items: Uint8Array): ContactVerdicts {
  return decideContacts(locateContacts(items, context, NOW), table, context, NOW)
}

const itemOf = (items: Uint8Array, k: number): Uint8Array => items.subarray(SIZE.item * k, SIZE.item * (k + 1))

/** Every item is accepted, the naive form agrees, and both refuse for the same reason what was altered. */
function check(country: Country): void {
  for (const batch of country.batches) assert.ok(judge(country, batch).routes.every((route) => route === 0))
  const altered = country.batches[0]!.slice()
  for (let k = 0; k < BATCH; k += 2) altered[SIZE.item * k + ((k / 2) % SIZE.item)]! ^= 0x40
  const verdicts = judge(country, altered)
  const seen = new Set<string>()
  for (let k = 0; k < BATCH; k++) {
    const verdict = verdictOf(verdicts, k)
    assert.deepEqual(verdict, judgeItem(itemOf(altered, k), country.naive, NOW))
    assert.deepEqual(verdict, judgeItem(itemOf(altered, k), country.readable, NOW))
    seen.add(verdict.route === 'refused' ? verdict.reason : verdict.route)
  }
  for (const outcome of ['local', 'helloTooFarFromTime', 'unknownId', 'macInvalid'])
    assert.ok(seen.has(outcome), outcome)
}

/** One batch after the other. */
function batchesOf(country: Country): Work {
  let next = 0
  return {
    operations: BATCH,
    run: () => {
      next = (next + 1) % country.batches.length
      judge(country, country.batches[next]!)
    },
  }
}

/** One item after the other. */
function itemsOf({ batches }: Country, oracle: Oracle): Work {
  let next = 0
  return {
    operations: 1,
    run: () => {
      next = (next + 1) % (batches.length * BATCH)
      judgeItem(itemOf(batches[Math.floor(next / BATCH)]!, next % BATCH), oracle, NOW)
    },
  }
}

async function comparePipeline(bench: Bench): Promise<void> {
  for (const { name, users, demand } of SIZES) {
    if (!bench.runs(name)) continue
    const country = countryOf(users)
    check(country)
    const ours = batchesOf(country)
    const naive = () => against(ours, itemsOf(country, country.naive))
    await bench.compare(name, 'naive: node:crypto, nibbles', naive, NAIVE_DEMAND)
    const readable = () => against(ours, itemsOf(country, country.readable))
    await bench.compare(name, 'naive: node:crypto, rows in words', readable)
    const peer = (mode: string) => () => againstPeer(ours, 'pipeline', `${mode}-${users}`, AVX2)
    await bench.compare(name, 'C, processor instructions, keys', peer('keys'), demand)
    await bench.compare(name, 'C, the same, midstates', peer('midstates'))
  }
}

export const pipeline: Group = { name: 'pipeline', results: SIZES.map(({ name }) => name), run: comparePipeline }
