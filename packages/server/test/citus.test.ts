// Spreading over machines with Citus, which is not here: its functions are stood in for by ones of their names that write down their calls.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { prepareCitus, SPREAD } from '../src/store/citus.ts'
import { openStore } from '../src/store/open.ts'
import { POSTGRES_SQL } from '../src/store/postgres-transaction.ts'
import { throwawayDatabases } from './postgres-fixture.ts'

const postgres = await throwawayDatabases(after)
const skip = postgres.without

const STAND_IN = `
  create table spread(at int generated always as identity, name text, by text, beside text, shards int);
  create function create_distributed_table(table_name regclass, distribution_column text, colocate_with text default 'default',
    shard_count int default null) returns void language sql
    as 'insert into spread(name, by, beside, shards) values (table_name::text, distribution_column, colocate_with, shard_count)'`

async function withStandIn(parameters = ''): Promise<string> {
  const url = await postgres.newDatabase()
  await postgres.run(url, STAND_IN)
  return `${url}${parameters}`
}
const bare = (url: string) => url.replace(/&bucketBits=\d/, '')
const calls = (url: string) => postgres.run(bare(url), 'select name, by, beside, shards from spread order by at')

test('a new database is spread by the bucket, all tables of users beside each other', { skip }, async () => {
  for (const bits of [6, 7, 8]) {
    const url = await withStandIn(`&bucketBits=${bits}`)
    const statements = await prepareCitus(url, true)
    assert.equal(statements.length, SPREAD.length)
    assert.deepEqual(
      await calls(url),
      SPREAD.map((name, k) => ({
        name,
        by: 'bucket',
        beside: k === 0 ? 'none' : SPREAD[0],
        shards: k === 0 ? 2 ** bits : null,
      })),
    )
    // It is then a store like any other.
    const store = openStore(bare(url))
    await store.transaction((tx) => tx.setUp('spread'))
    await store.close()
  }
})

test('printing runs nothing', { skip }, async () => {
  const url = await withStandIn('&bucketBits=6')
  const statements = await prepareCitus(url, false)
  assert.match(statements[0]!, /^select create_distributed_table\('user_key', 'bucket', .*shard_count => 64\)$/)
  assert.deepEqual(await calls(url), [])
})

test('of several statements one that fails spreads nothing', { skip }, async () => {
  const url = await withStandIn('&bucketBits=6')
  await postgres.run(bare(url), "alter table spread add check (name <> 'item_queue')")
  await assert.rejects(prepareCitus(url, true), /PostgreSQL refused with 23514/)
  assert.deepEqual(await calls(url), [])
})

test('with too few buckets, or without Citus, a database is left as it is, with words that say what to do', {
  skip,
}, async () => {
  for (const parameters of ['', '&bucketBits=5']) {
    const url = await withStandIn(parameters)
    await assert.rejects(prepareCitus(url, true), /it needs 64 to 256.*restore a backup into it/)
    assert.deepEqual(await calls(url), [])
    const [made] = await postgres.run(bare(url), "select to_regclass('schema_version') as made")
    assert.equal(made?.['made'], null)
  }
  const small = await withStandIn('&bucketBits=2')
  const store = openStore(small)
  await store.transaction((tx) => tx.setUp('small'))
  await store.close()
  await assert.rejects(prepareCitus(bare(small), true), /the database has 4 buckets/)
  const url = await postgres.newDatabase()
  await assert.rejects(prepareCitus(`${url}&bucketBits=6`, true), /has no Citus: install it on every node/)
  const [row] = await postgres.run(url, "select to_regclass('user_key') as made")
  assert.equal(row?.['made'], null)
})

test('every table with a bucket is spread, and the bucket leads its primary key and every other key', {
  skip,
}, async () => {
  const url = await postgres.newDatabase()
  const store = openStore(url)
  await store.transaction((tx) => tx.setUp('plain'))
  await store.close()
  const keys = await postgres.run(
    url,
    `select c.relname::text as name, i.indisunique as is_unique, a.attname::text as first from pg_index i
      join pg_class c on c.oid = i.indrelid join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0]
      where c.relnamespace = current_schema()::regnamespace and exists
        (select 1 from pg_attribute b where b.attrelid = c.oid and b.attname = 'bucket' and not b.attisdropped)`,
  )
  assert.deepEqual(new Set(keys.map(({ name }) => name)), new Set(SPREAD))
  for (const { name, first } of keys) assert.equal(first, 'bucket', String(name))
})

test('every statement on a spread table names one bucket for each time that it reads or writes it', () => {
  const tables = SPREAD.join('|')
  let looked = 0
  for (const [name, sql] of Object.entries(POSTGRES_SQL)) {
    const uses = [...sql.matchAll(new RegExp(`\\b(?:from|join|update|into)\\s+(?:${tables})\\b`, 'g'))].length
    if (uses === 0) continue
    looked++
    assert.doesNotMatch(sql, /bucket\s*(?:=\s*any|in\s*\(|[<>])/, name)
    const inserted = /insert into \w+(?: as \w+)?\(bucket,[^)]*\)\s*(?:values \(|select )\$1\b/.test(sql) ? 1 : 0
    const compared = [...sql.matchAll(/\bbucket = \$1\b/g)].length
    assert.ok(inserted + compared >= uses, `${name}: ${uses} uses, ${inserted + compared} buckets`)
  }
  assert.ok(looked > 15, `${looked}`)
})
