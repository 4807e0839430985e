import { toHex, type UnixSeconds } from '@vicinity/protocol'
import { type PermanentId, SIZE } from '@vicinity/protocol/robert'
import { SEALED_KEY } from '../keys/sealed.ts'
import { type Buckets, groupedBy } from './buckets.ts'
import { POSTGRES_DEPARTURE_SQL, postgresDepartureVerbs } from './postgres-departures.ts'
import { POSTGRES_KEY_SERVER_SQL, postgresKeyServerVerbs } from './postgres-key-server.ts'
import { POSTGRES_SEALED_KEYS_SQL, postgresSealedKeysVerbs } from './postgres-sealed-keys.ts'
import { POSTGRES_VERIFICATION_SQL, postgresVerificationVerbs } from './postgres-verification.ts'
import { QUEUE_SAMPLE, type QueueSample, queueStateOf } from './queue-state.ts'
import { type CodeRow, NOBODY, type QueuedItem, type SpentToken, type Transaction } from './store.ts'
import { foundUsers, idleRows, statusColumns, storedUser } from './user-rows.ts'

const zeros = (length: number): string => `'\\x${'00'.repeat(length)}'::bytea`

/**
 * Every statement of this engine, by the name under which it is reported. Those with `bucket` take one, never several. What was locked
 * is asked for with `(… in (…)) is true`: as a join PostgreSQL, which cannot know how long an array is, would compare every pair.
 */
export const POSTGRES_SQL = {
  rememberSetUp: 'insert into set_up(one, description) values (1, $1) on conflict do nothing',
  setUp: 'select description from set_up',
  lastTime: 'select at from last_time',
  noteTime: 'insert into last_time(one, at) values (1, $1) on conflict(one) do update set at = excluded.at',
  addUserKey: `insert into user_key(bucket, id, authentication_key, encryption_key) values ($1, $2, $3, $4)
    on conflict(bucket, id) do nothing`,
  addUserStatus: `insert into user_status(bucket, id, notified, status_epoch, warned_through, request_tag)
    values ($1, $2, 0, -1, -1, '\\x0000000000000000')`,
  // The status goes first: whoever appends to the user meanwhile holds its row and is waited for, so that no exposure stays behind.
  dropUserStatus: 'delete from user_status where bucket = $1 and id = any($2::int8[])',
  dropUserKey: 'delete from user_key where bucket = $1 and id = any($2::int8[])',
  dropExposures: 'delete from exposure where bucket = $1 and id = any($2::int8[])',
  authenticationKey: 'select id, authentication_key from user_key where bucket = $1 and id = any($2::int8[])',
  // One row for every id, found or not: a look-up that misses shall not be quicker. The next row, as SQLite gives, costs twice as much.
  user: `select x.id as asked, k.id, coalesce(k.authentication_key, ${zeros(SEALED_KEY)}) as authentication_key,
      coalesce(k.encryption_key, ${zeros(SEALED_KEY)}) as encryption_key, coalesce(s.notified, 0::int2) as notified,
      coalesce(s.status_epoch, -1) as status_epoch, coalesce(s.warned_through, -1) as warned_through,
      coalesce(s.request_tag, ${zeros(SIZE.requestTag)}) as request_tag, e.id as exposed,
      coalesce(e.lee, ${zeros(3 * SIZE.exposure)}) as lee
    from unnest($2::int8[]) x(id) left join user_key k on k.bucket = $1 and k.id = x.id
      left join user_status s on s.bucket = $1 and s.id = x.id left join exposure e on e.bucket = $1 and e.id = x.id`,
  changeStatus: `with locked as materialized (select id from user_status where bucket = $1 and id = any($2::int8[])
      order by id for no key update)
    update user_status s set notified = x.notified, status_epoch = x.epoch, warned_through = x.warned, request_tag = x.tag
    from unnest($2::int8[], $3::int2[], $4::int4[], $5::int4[], $6::bytea[], $7::int2[], $8::int4[], $9::int4[])
      x(id, notified, epoch, warned, tag, was_notified, was_epoch, was_warned)
    where (x.id in (select id from locked)) is true and s.bucket = $1 and s.id = x.id
      and s.notified = x.was_notified and s.status_epoch = x.was_epoch
      and s.warned_through = x.was_warned returning s.id`,
  // A request that changes nothing writes here what one that changes something writes there.
  changeNobody: `with locked as materialized (select id from nobody_status where id = any($1::int8[])
      order by id for no key update)
    update nobody_status s set notified = 0, status_epoch = -1, warned_through = -1, request_tag = ${zeros(SIZE.requestTag)}
    from locked where s.id = locked.id`,
  // The lock is on the status: a lock is written to the page, and the pages of the keys shall be written once.
  appendExposure: `with locked as materialized (select id from user_status where bucket = $1 and id = any($2::int8[])
      order by id for key share)
    insert into exposure(bucket, id, lee) select $1::int2, x.id, x.lee
    from unnest($2::int8[], $3::bytea[]) x(id, lee) where (x.id in (select id from locked)) is true order by x.id
    on conflict(bucket, id) do update set lee = exposure.lee || excluded.lee`,
  exposuresAfter: 'select id, lee from exposure where bucket = $1 and id > $2 order by id limit $3',
  replaceExposure: `update exposure e set lee = x.after from unnest($2::int8[], $3::bytea[], $4::bytea[]) x(id, before, after)
    where e.bucket = $1 and e.id = x.id and e.lee = x.before`,
  removeExposure: `delete from exposure e using unnest($2::int8[], $3::bytea[]) x(id, before)
    where e.bucket = $1 and e.id = x.id and e.lee = x.before`,
  spendToken: `insert into spent_token(bucket, day, spent_key) select $1::int2, x.day, x.spent_key
    from unnest($2::int4[], $3::bytea[]) x(day, spent_key) where x.day >= 0 order by x.day, x.spent_key
    on conflict do nothing returning day, spent_key`,
  forgetTokens: 'delete from spent_token where bucket = $1 and day < $2',
  queueItem: 'insert into item_queue(bucket, "window", row_id, body) values ($1, $2, $3, $4)',
  // One step in the index for each window: `distinct` would read every item.
  queuedWindows: `with recursive queued("window") as (select min("window") from item_queue where bucket = $1 union all
    select (select min("window") from item_queue where bucket = $1 and "window" > queued."window") from queued
    where queued."window" is not null) select "window" from queued where "window" is not null`,
  queueSample: `select count(*)::int4 as n, (array_agg(row_id order by row_id))[1] as first,
    (array_agg(row_id order by row_id desc))[1] as last
    from (select row_id from item_queue where bucket = $1 and "window" = $2 order by row_id limit ${QUEUE_SAMPLE}) sample`,
  queuedItems: `select row_id, body from item_queue where bucket = $1 and "window" = $2 and row_id > $4
    order by row_id limit $3`,
  // By a range of the index, in its order: no lock before. Where it is not told how many rows a window has, PostgreSQL would else
  // compare every row of the window with every one of the batch.
  claimItem: `delete from item_queue where bucket = $1 and "window" = $2 and row_id >= $4 and row_id <= $5
    and (row_id in (select unnest($3::bytea[]))) is true returning row_id`,
  spendChallenge: 'insert into spent_challenge(bucket, spent_key, expires) values ($1, $2, $3) on conflict do nothing',
  forgetChallenges: 'delete from spent_challenge where bucket = $1 and expires < $2',
  addCode: 'insert into code(hash, contagious_from, contagious_to, expires) values ($1, $2, $3, $4)',
  code: 'select contagious_from, contagious_to, expires from code where hash = $1',
  bindChunk: 'insert into code_chunk(hash, day, chunk, digest) values ($1, $2, $3, $4) on conflict do nothing',
  chunk: 'select digest from code_chunk where hash = $1 and day = $2 and chunk = $3',
  forgetChunks: 'delete from code_chunk where hash in (select hash from code where expires < $1)',
  forgetCodes: 'delete from code where expires < $1',
  ...POSTGRES_VERIFICATION_SQL,
  ...POSTGRES_KEY_SERVER_SQL,
  ...POSTGRES_DEPARTURE_SQL,
  ...POSTGRES_SEALED_KEYS_SQL,
} as const

export type StatementName = keyof typeof POSTGRES_SQL
/** What columns come as: int8 as a number, bytea as its bytes. */
export type Row = Readonly<Record<string, number | string | Uint8Array | null>>
export interface Answer {
  readonly rows: readonly Row[]
  /** Rows that the statement changed or found. */
  readonly count: number
}
export type Query = (name: StatementName, values?: readonly unknown[]) => Promise<Answer>

const byId = (a: PermanentId, b: PermanentId) => a - b

/** The verbs over named statements. */
export function postgresTransaction(query: Query, buckets: Buckets): Transaction {
  return {
    ...serviceVerbs(query),
    ...userVerbs(query, buckets),
    ...statusVerbs(query, buckets),
    ...challengeVerbs(query, buckets),
    ...exposureVerbs(query, buckets),
    ...uploadVerbs(query, buckets),
    ...codeVerbs(query),
    ...postgresVerificationVerbs(query),
    ...postgresKeyServerVerbs(query),
    ...postgresDepartureVerbs(query),
    ...postgresSealedKeysVerbs(query, buckets),
  }
}

function serviceVerbs(query: Query): Pick<Transaction, 'setUp' | 'lastTime' | 'noteTime'> {
  return {
    async setUp(description) {
      await query('rememberSetUp', [description])
      return (await query('setUp')).rows[0]!['description'] as string
    },
    async lastTime() {
      return (await query('lastTime')).rows[0]?.['at'] as UnixSeconds | undefined
    },
    async noteTime(at) {
      await query('noteTime', [at])
    },
  }
}

/** Runs one statement for the ids of each bucket, and gives all rows by their id. */
async function byBucket(
  query: Query,
  buckets: Buckets,
  name: StatementName,
  ids: readonly PermanentId[],
): Promise<ReadonlyMap<PermanentId, Row>> {
  const found = new Map<PermanentId, Row>()
  for (const [bucket, some] of groupedBy(new Set(ids), buckets.ofId, byId)) {
    for (const row of (await query(name, [bucket, some])).rows) found.set(row['id'] as PermanentId, row)
  }
  return found
}

/** In the order of the ids, whatever order the rows came in. */
function inOrder<Value>(
  ids: readonly PermanentId[],
  rows: ReadonlyMap<PermanentId, Row>,
  toValue: (row: Row) => Value,
): Map<PermanentId, Value> {
  return new Map(ids.filter((id) => rows.has(id)).map((id) => [id, toValue(rows.get(id)!)]))
}

function userVerbs(
  query: Query,
  buckets: Buckets,
): Pick<Transaction, 'addUser' | 'removeUsers' | 'authenticationKeysOf' | 'usersOf' | 'nearestUsers'> {
  const nearest = async (ids: readonly PermanentId[]) => {
    const rows = new Map<PermanentId, Row>()
    for (const [bucket, some] of groupedBy(new Set(ids), buckets.ofId, byId)) {
      for (const row of (await query('user', [bucket, some])).rows) rows.set(row['asked'] as PermanentId, row)
    }
    return ids.map((id) => {
      const row = rows.get(id)!
      const user = storedUser(row)
      return row['id'] === null ? undefined : user
    })
  }
  return {
    async addUser({ id, authenticationKey, encryptionKey }) {
      const key = [buckets.ofId(id), id] as const
      if ((await query('addUserKey', [...key, authenticationKey, encryptionKey])).count !== 1) return false
      await query('addUserStatus', key)
      return true
    },
    async authenticationKeysOf(ids) {
      const rows = await byBucket(query, buckets, 'authenticationKey', ids)
      return inOrder(ids, rows, (row) => row['authentication_key'] as Uint8Array)
    },
    async usersOf(ids) {
      return foundUsers(ids, await nearest(ids))
    },
    nearestUsers: nearest,
    async removeUsers(ids) {
      await byBucket(query, buckets, 'dropUserStatus', ids)
      await byBucket(query, buckets, 'dropUserKey', ids)
      await byBucket(query, buckets, 'dropExposures', ids)
    },
  }
}

function statusVerbs(query: Query, buckets: Buckets): Pick<Transaction, 'changeStatuses'> {
  return {
    async changeStatuses(changes) {
      const changed = new Set<PermanentId>()
      const groups = groupedBy(
        changes,
        ({ id }) => buckets.ofId(id),
        (a, b) => byId(a.id, b.id),
      )
      for (const [bucket, some] of groups) {
        const [to, from] = [
          some.map((change) => statusColumns(change.to)),
          some.map((change) => statusColumns(change.from)),
        ]
        const { rows } = await query('changeStatus', [
          bucket,
          some.map(({ id }) => id),
          ...([0, 1, 2] as const).map((column) => to.map((row) => row[column])),
          some.map((change) => change.to.lastRequestTag),
          ...([0, 1, 2] as const).map((column) => from.map((row) => row[column])),
        ])
        for (const row of rows) changed.add(row['id'] as PermanentId)
      }
      await query('changeNobody', [idleRows(changes.filter(({ id }) => id === NOBODY).length)])
      return changed
    },
  }
}

function challengeVerbs(query: Query, buckets: Buckets): Pick<Transaction, 'spendChallenge' | 'forgetChallenges'> {
  return {
    async spendChallenge(spentKey, expires) {
      return (await query('spendChallenge', [buckets.ofBytes(spentKey), spentKey, expires])).count === 1
    },
    async forgetChallenges(before) {
      for (const bucket of buckets.all) await query('forgetChallenges', [bucket, before])
    },
  }
}

function exposureVerbs(
  query: Query,
  buckets: Buckets,
): Pick<Transaction, 'appendExposures' | 'clearExposures' | 'exposuresAfter' | 'replaceExposures'> {
  const grouped = <Value extends { readonly id: PermanentId }>(rows: readonly Value[]) =>
    groupedBy(
      rows,
      ({ id }) => buckets.ofId(id),
      (a, b) => byId(a.id, b.id),
    )
  return {
    async appendExposures(rows) {
      for (const [bucket, some] of grouped(rows)) {
        await query('appendExposure', [bucket, some.map(({ id }) => id), some.map(({ exposures }) => exposures)])
      }
    },
    async clearExposures(ids) {
      await byBucket(query, buckets, 'dropExposures', ids)
    },
    async exposuresAfter(after, limit) {
      const found: Row[] = []
      for (const bucket of buckets.all.slice(buckets.ofId(after))) {
        if (found.length < limit) {
          found.push(...(await query('exposuresAfter', [bucket, after, limit - found.length])).rows)
        }
      }
      return found.map((row) => ({ id: row['id'] as PermanentId, exposures: row['lee'] as Uint8Array }))
    },
    async replaceExposures(rows) {
      for (const [bucket, some] of grouped(rows)) {
        const [emptied, kept] = [some.filter(({ to }) => to.length === 0), some.filter(({ to }) => to.length > 0)]
        const key = (of: typeof some) => [bucket, of.map(({ id }) => id), of.map(({ exposures }) => exposures)]
        if (emptied.length > 0) await query('removeExposure', key(emptied))
        if (kept.length > 0) await query('replaceExposure', [...key(kept), kept.map(({ to }) => to)])
      }
    },
  }
}

type UploadVerb =
  | 'spendTokens'
  | 'forgetTokens'
  | 'queueItem'
  | 'queuedWindows'
  | 'queueState'
  | 'queuedItems'
  | 'claimItems'

/** Below every row id. */
const FIRST = new Uint8Array(0)

function uploadVerbs(query: Query, buckets: Buckets): Pick<Transaction, UploadVerb> {
  const windowsIn = async (bucket: number) =>
    (await query('queuedWindows', [bucket])).rows.map((row) => row['window'] as number)
  return {
    async spendTokens(tokens) {
      const fresh = new Set<string>()
      for (const [bucket, some] of groupedBy(tokens, bucketOfToken(buckets), byToken)) {
        const { rows } = await query('spendToken', [bucket, some.map(({ day }) => day), some.map(keyOfToken)])
        for (const row of rows) fresh.add(nameOfToken(row['day'] as number, row['spent_key'] as Uint8Array))
      }
      // Of two that are equal the first has it.
      return tokens.map(({ day, spentKey }) => fresh.delete(nameOfToken(day, spentKey)))
    },
    async forgetTokens(day) {
      for (const bucket of buckets.all) await query('forgetTokens', [bucket, day])
    },
    async queueItem(window, rowId, sealedItem) {
      await query('queueItem', [buckets.ofBytes(rowId), window, rowId, sealedItem])
    },
    async queuedWindows() {
      const found = new Set<number>()
      for (const bucket of buckets.all) for (const window of await windowsIn(bucket)) found.add(window)
      return [...found].sort((a, b) => a - b)
    },
    async queueState() {
      const samples: QueueSample[] = []
      for (const bucket of buckets.all) {
        const end = (bucket + 1) / buckets.all.length
        for (const window of await windowsIn(bucket)) {
          const row = (await query('queueSample', [bucket, window])).rows[0]!
          const [first, last] = [row['first'], row['last']] as (Uint8Array | null)[]
          samples.push({ window, rows: row['n'] as number, first: first!, last: last!, end })
        }
      }
      return queueStateOf(samples)
    },
    async queuedItems(window, limit, after = FIRST) {
      const found: QueuedItem[] = []
      for (const bucket of buckets.all.slice(buckets.ofBytes(after))) {
        if (found.length === limit) break
        const { rows } = await query('queuedItems', [bucket, window, limit - found.length, after])
        for (const row of rows) found.push({ rowId: row['row_id'] as Uint8Array, body: row['body'] as Uint8Array })
      }
      return found
    },
    async claimItems(window, rowIds) {
      const claimed = new Set<string>()
      for (const [bucket, some] of groupedBy(rowIds, buckets.ofBytes, Buffer.compare)) {
        for (const row of (await query('claimItem', [bucket, window, some, some[0], some.at(-1)])).rows) {
          claimed.add(toHex(row['row_id'] as Uint8Array))
        }
      }
      return rowIds.map((rowId) => claimed.has(toHex(rowId)))
    },
  }
}

const keyOfToken = ({ spentKey }: SpentToken) => spentKey
const bucketOfToken = (buckets: Buckets) => (token: SpentToken) => buckets.ofBytes(token.spentKey)
const byToken = (a: SpentToken, b: SpentToken) => a.day - b.day || Buffer.compare(a.spentKey, b.spentKey)
const nameOfToken = (day: number, spentKey: Uint8Array) => `${day} ${toHex(spentKey)}`

function codeVerbs(query: Query): Pick<Transaction, 'addCode' | 'codeOf' | 'bindChunk' | 'forgetCodes'> {
  return {
    async addCode(code) {
      await query('addCode', [code.hash, code.contagiousFrom, code.contagiousTo, code.expires])
    },
    async codeOf(hash) {
      const row = (await query('code', [hash])).rows[0]
      if (row === undefined) return undefined
      return {
        hash,
        contagiousFrom: row['contagious_from'] as UnixSeconds,
        contagiousTo: row['contagious_to'] as UnixSeconds,
        expires: row['expires'] as UnixSeconds,
      } satisfies CodeRow
    },
    async bindChunk(hash, day, chunk, digest) {
      if ((await query('bindChunk', [hash, day, chunk, digest])).count === 1) return true
      // Undefined where the code was forgotten in between.
      const bound = (await query('chunk', [hash, day, chunk])).rows[0]?.['digest'] as Uint8Array | undefined
      return bound !== undefined && Buffer.compare(bound, digest) === 0
    },
    async forgetCodes(before) {
      await query('forgetChunks', [before])
      await query('forgetCodes', [before])
    },
  }
}
