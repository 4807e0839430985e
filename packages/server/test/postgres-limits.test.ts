// What PostgreSQL refuses for a while, and for how long the engine tries and waits (F9).
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { UtcDay } from '@vicinity/protocol'
import { statusOf } from '../src/dispatch.ts'
import { openStore } from '../src/store/open.ts'
import { connect } from '../src/store/postgres-connection.ts'
import type { Store } from '../src/store/store.ts'
import { randomOf } from './fixture.ts'
import { throwawayDatabases } from './postgres-fixture.ts'

const postgres = await throwawayDatabases(after)
const skip = postgres.without
const random = randomOf('postgres limits')
const spend = (store: Store, spentKey: Uint8Array) =>
  store.transaction((tx) => tx.spendTokens([{ day: 1 as UtcDay, spentKey }]))

/** A database whose tokens are refused with `sqlState` the first so many times. */
async function refusing(sqlState: string, times: number): Promise<string> {
  const url = await postgres.newDatabase()
  const store = openStore(url)
  await store.transaction((tx) => tx.queuedWindows())
  await store.close()
  await postgres.run(
    url,
    `create sequence attempt; create function refuse() returns trigger language plpgsql as $$ begin
      if nextval('attempt') <= ${times} then raise exception using errcode = '${sqlState}'; end if; return new; end $$;
    create trigger refuse before insert on spent_token for each row execute function refuse()`,
  )
  return url
}

const attemptsOf = async (url: string) =>
  Number((await postgres.run(url, 'select last_value from attempt'))[0]!['last_value'])

test('a transaction that PostgreSQL gives up runs again from its start, after pauses that are drawn (F9)', {
  skip,
}, async (t) => {
  for (const [sqlState, times] of [
    ['40001', 4],
    ['40P01', 9],
    ['55P03', 2],
  ] as const) {
    const url = await refusing(sqlState, times)
    let draws = 0
    const drawn = (length: number) => {
      draws++
      return random(length)
    }
    const store = openStore(url, { random: drawn })
    t.after(() => store.close())
    const key = random(16)
    assert.deepEqual(await spend(store, key), [true], sqlState)
    assert.deepEqual(await spend(store, key), [false], 'once, however often it ran')
    assert.equal(draws, times)
  }
})

test('it is tried so often and no more: then a 503, and nothing of it is there (F9)', { skip }, async (t) => {
  for (const [sqlState, attempts] of [
    ['40001', 10],
    ['55P03', 3],
    ['23505', 1],
  ] as const) {
    const url = await refusing(sqlState, 99)
    const store = openStore(url, { random })
    t.after(() => store.close())
    await assert.rejects(spend(store, random(16)), (error) => {
      assert.deepEqual(statusOf(error), { status: 503, body: { error: 'store' } })
      return true
    })
    assert.equal(await attemptsOf(url), attempts, sqlState)
    assert.deepEqual(await postgres.run(url, 'select from spent_token'), [])
  }
})

test('a lock that somebody holds is not waited for without end; when it is free the next transaction runs (F9)', {
  skip,
}, async (t) => {
  const url = await refusing('40001', 0)
  const store = openStore(url.replace('options=', 'options=-c%20lock_timeout%3D20ms%20'), { random })
  t.after(() => store.close())
  const holder = await connect(url)
  t.after(() => holder.close())
  await holder.run('test', 'begin; lock table spent_token')
  await assert.rejects(spend(store, random(16)), { message: 'spendToken: PostgreSQL refused with 55P03' })
  await holder.run('test', 'rollback')
  assert.deepEqual(await spend(store, random(16)), [true])
})

test('every connection has its limits; stricter or wider ones of the URL stay as they are', { skip }, async () => {
  const names = ['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout']
  const settings = async (url: string) => {
    const [row] = await postgres.run(
      url,
      `select ${names.map((name) => `current_setting('${name}') as ${name}`).join(', ')}`,
    )
    return names.map((name) => row![name])
  }
  const url = await postgres.newDatabase()
  assert.deepEqual(await settings(url), ['1min', '2s', '1min'])
  assert.deepEqual(await settings(url.replace('options=', 'options=-c%20lock_timeout%3D20ms%20')), [
    '1min',
    '20ms',
    '1min',
  ])
})

test('emptying what was deleted takes as long as it takes, and the limit holds again after it', { skip }, async (t) => {
  const url = (await postgres.newDatabase()).replace('options=', 'options=-c%20statement_timeout%3D1ms%20')
  const fill = openStore(await Promise.resolve(url.replace('1ms', '0')))
  await fill.transaction(async (tx) => {
    for (let n = 0; n < 2000; n++) await tx.queueItem(1, random(16), random(49))
  })
  await fill.close()
  const store = openStore(url)
  t.after(() => store.close())
  await store.shred()
  await postgres.run(
    url.replace('1ms', '0'),
    'create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(1); return new; end $$; create trigger slow before insert on spent_token for each row execute function slow()',
  )
  await assert.rejects(spend(store, random(16)), { message: 'spendToken: PostgreSQL refused with 57014' })
})
