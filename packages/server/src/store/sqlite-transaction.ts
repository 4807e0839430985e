import type { StatementSync } from 'node:sqlite'
import type { UnixSeconds } from '@vicinity/protocol'
import { NEW_STATUS, type PermanentId } from '@vicinity/protocol/robert'
import { QUEUE_SAMPLE, queueStateOf } from './queue-state.ts'
import { DEPARTURE_SQL, departureVerbs } from './sqlite-departures.ts'
import { KEY_SERVER_SQL, keyServerVerbs } from './sqlite-key-server.ts'
import { SEALED_KEYS_SQL, sealedKeysVerbs } from './sqlite-sealed-keys.ts'
import { VERIFICATION_SQL, verificationVerbs } from './sqlite-verification.ts'
import { type CodeRow, type ExposureRow, NOBODY, type QueuedItem, type Transaction } from './store.ts'
import { foundUsers, idleRows, statusColumns, storedUser } from './user-rows.ts'

const NEW_COLUMNS = statusColumns(NEW_STATUS)
/** What no row has in its column `notified`. */
const IN_NO_ROW = -1

/** Every statement of this engine, by the name under which it is reported. */
export const SQL = {
  rememberSetUp: 'insert into set_up(one, description) values (1, ?) on conflict do nothing',
  setUp: 'select description from set_up',
  lastTime: 'select at from last_time',
  noteTime: 'insert into last_time(one, at) values (1, ?) on conflict(one) do update set at = excluded.at',
  addUserKey:
    'insert into user_key(id, authentication_key, encryption_key) values (?, ?, ?) on conflict(id) do nothing',
  addUserStatus:
    'insert into user_status(id, notified, status_epoch, warned_through, request_tag) values (?, 0, -1, -1, zeroblob(8))',
  dropExposures: 'delete from exposure where id = ?',
  dropUserStatus: 'delete from user_status where id = ?',
  dropUserKey: 'delete from user_key where id = ?',
  authenticationKey: 'select authentication_key from user_key where id = ?',
  // The next row where there is none, of users as of exposures: a look-up that misses shall not be quicker (user-rows.ts).
  user: `select k.id, k.authentication_key, k.encryption_key, s.notified, s.status_epoch, s.warned_through, s.request_tag,
      e.id as exposed, e.lee
    from user_key k join user_status s on s.id = k.id left join exposure e
      on e.id = coalesce((select id from exposure where id >= k.id order by id limit 1), (select min(id) from exposure))
    where k.id = coalesce((select id from user_key where id >= ?1 order by id limit 1), (select min(id) from user_key))`,
  changeStatus: `update user_status set notified = ?, status_epoch = ?, warned_through = ?, request_tag = ?
    where id = ? and notified = ? and status_epoch = ? and warned_through = ?`,
  // A request that changes nothing writes here what one that changes something writes there.
  changeNobody: `update nobody_status set notified = ?, status_epoch = ?, warned_through = ?, request_tag = ?
    where id = ? and notified = ? and status_epoch = ? and warned_through = ?`,
  appendExposure: `insert into exposure(id, lee) select ?1, ?2 where exists (select 1 from user_key where id = ?1)
    on conflict(id) do update set lee = cast(lee || excluded.lee as blob)`,
  exposuresAfter: 'select id, lee from exposure where id > ? order by id limit ?',
  replaceExposure: 'update exposure set lee = ? where id = ? and lee = ?',
  removeExposure: 'delete from exposure where id = ? and lee = ?',
  spendToken: 'insert into spent_token(day, spent_key) select ?1, ?2 where ?1 >= 0 on conflict do nothing',
  forgetTokens: 'delete from spent_token where day < ?',
  queueItem: 'insert into item_queue(window, row_id, body) values (?, ?, ?)',
  // One step in the index for each window: `distinct` would read every item.
  queuedWindows: `with recursive queued(window) as (select min(window) from item_queue union all
    select (select min(window) from item_queue where window > queued.window) from queued where queued.window is not null)
    select window from queued where window is not null`,
  queueSample: `select count(*) as n, min(row_id) as first, max(row_id) as last
    from (select row_id from item_queue where window = ? order by row_id limit ${QUEUE_SAMPLE})`,
  queuedItems: 'select row_id, body from item_queue where window = ? and row_id > ? order by row_id limit ?',
  claimItem: 'delete from item_queue where window = ? and row_id = ?',
  spendChallenge: 'insert into spent_challenge(spent_key, expires) values (?, ?) on conflict do nothing',
  forgetChallenges: 'delete from spent_challenge where expires < ?',
  addCode: 'insert into code(hash, contagious_from, contagious_to, expires) values (?, ?, ?, ?)',
  code: 'select contagious_from, contagious_to, expires from code where hash = ?',
  bindChunk: 'insert into code_chunk(hash, day, chunk, digest) values (?, ?, ?, ?) on conflict do nothing',
  chunk: 'select digest from code_chunk where hash = ? and day = ? and chunk = ?',
  forgetChunks: 'delete from code_chunk where hash in (select hash from code where expires < ?)',
  forgetCodes: 'delete from code where expires < ?',
  ...VERIFICATION_SQL,
  ...KEY_SERVER_SQL,
  ...DEPARTURE_SQL,
  ...SEALED_KEYS_SQL,
} as const

type Statement = (name: keyof typeof SQL) => StatementSync

/** The verbs over prepared statements. They run at once; only the interface is asynchronous. */
export function sqliteTransaction(statement: Statement): Transaction {
  return {
    ...serviceVerbs(statement),
    ...userVerbs(statement),
    ...challengeVerbs(statement),
    ...exposureVerbs(statement),
    ...uploadVerbs(statement),
    ...codeVerbs(statement),
    ...verificationVerbs(statement),
    ...keyServerVerbs(statement),
    ...departureVerbs(statement),
    ...sealedKeysVerbs(statement),
  }
}

function serviceVerbs(statement: Statement): Pick<Transaction, 'setUp' | 'lastTime' | 'noteTime'> {
  return {
    async setUp(description) {
      statement('rememberSetUp').run(description)
      return statement('setUp').get()?.['description'] as string
    },
    async lastTime() {
      return statement('lastTime').get()?.['at'] as UnixSeconds | undefined
    },
    async noteTime(at) {
      statement('noteTime').run(at)
    },
  }
}

function userVerbs(
  statement: Statement,
): Pick<
  Transaction,
  'addUser' | 'removeUsers' | 'authenticationKeysOf' | 'usersOf' | 'nearestUsers' | 'changeStatuses'
> {
  const nearest = (ids: readonly PermanentId[]) =>
    ids.map((id) => {
      const row = statement('user').get(id)
      return row && storedUser(row)
    })
  return {
    async addUser(user) {
      const added = statement('addUserKey').run(user.id, user.authenticationKey, user.encryptionKey).changes === 1
      if (!added) return false
      statement('addUserStatus').run(user.id)
      return true
    },
    async authenticationKeysOf(ids) {
      const keys = new Map<PermanentId, Uint8Array>()
      for (const id of ids) {
        const row = statement('authenticationKey').get(id)
        if (row !== undefined) keys.set(id, row['authentication_key'] as Uint8Array)
      }
      return keys
    },
    async usersOf(ids) {
      return foundUsers(ids, nearest(ids))
    },
    async nearestUsers(ids) {
      return nearest(ids)
    },
    async changeStatuses(changes) {
      const changed = new Set<PermanentId>()
      // Nobody reads it: what does not change costs what changes.
      const unchanged = new Set<PermanentId>()
      for (const { id, from, to, instead = NOBODY } of changes) {
        // Both statements find their row: where one changes it, the other looks for what no row holds.
        const isNobody = id === NOBODY
        const row = isNobody ? instead : id
        const [wasNotified, ...was] = statusColumns(from)
        const done = statement('changeStatus').run(
          ...statusColumns(to),
          to.lastRequestTag,
          row,
          isNobody ? IN_NO_ROW : wasNotified,
          ...was,
        )
        ;(done.changes === 1 ? changed : unchanged).add(row)
        const [newNotified, ...fresh] = NEW_COLUMNS
        const idle = idleRows(1)[0]!
        statement('changeNobody').run(
          ...NEW_COLUMNS,
          to.lastRequestTag,
          idle,
          isNobody ? newNotified : IN_NO_ROW,
          ...fresh,
        )
      }
      return changed
    },
    async removeUsers(ids) {
      for (const id of ids) {
        statement('dropExposures').run(id)
        statement('dropUserStatus').run(id)
        statement('dropUserKey').run(id)
      }
    },
  }
}

function challengeVerbs(statement: Statement): Pick<Transaction, 'spendChallenge' | 'forgetChallenges'> {
  return {
    async spendChallenge(spentKey, expires) {
      return statement('spendChallenge').run(spentKey, expires).changes === 1
    },
    async forgetChallenges(before) {
      statement('forgetChallenges').run(before)
    },
  }
}

function exposureVerbs(
  statement: Statement,
): Pick<Transaction, 'appendExposures' | 'clearExposures' | 'exposuresAfter' | 'replaceExposures'> {
  return {
    async appendExposures(rows) {
      for (const { id, exposures } of rows) statement('appendExposure').run(id, exposures)
    },
    async clearExposures(ids) {
      for (const id of ids) statement('dropExposures').run(id)
    },
    async exposuresAfter(after, limit) {
      const rows = statement('exposuresAfter').all(after, limit)
      return rows.map((row): ExposureRow => ({ id: row['id'] as number, exposures: row['lee'] as Uint8Array }))
    },
    async replaceExposures(rows) {
      for (const { id, exposures, to } of rows) {
        if (to.length === 0) statement('removeExposure').run(id, exposures)
        else statement('replaceExposure').run(to, id, exposures)
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

function uploadVerbs(statement: Statement): Pick<Transaction, UploadVerb> {
  const windows = () =>
    statement('queuedWindows')
      .all()
      .map((row) => row['window'] as number)
  return {
    async spendTokens(tokens) {
      return tokens.map(({ day, spentKey }) => statement('spendToken').run(day, spentKey).changes === 1)
    },
    async forgetTokens(day) {
      statement('forgetTokens').run(day)
    },
    async queueItem(window, rowId, sealedItem) {
      statement('queueItem').run(window, rowId, sealedItem)
    },
    async queuedWindows() {
      return windows()
    },
    async queueState() {
      return queueStateOf(
        windows().map((window) => {
          const row = statement('queueSample').get(window)!
          const [first, last] = [row['first'], row['last']] as (Uint8Array | null)[]
          return { window, rows: row['n'] as number, first: first!, last: last!, end: 1 }
        }),
      )
    },
    async queuedItems(window, limit, after = FIRST) {
      const rows = statement('queuedItems').all(window, after, limit)
      return rows.map((row): QueuedItem => ({ rowId: row['row_id'] as Uint8Array, body: row['body'] as Uint8Array }))
    },
    async claimItems(window, rowIds) {
      return rowIds.map((rowId) => statement('claimItem').run(window, rowId).changes === 1)
    },
  }
}

function codeVerbs(statement: Statement): Pick<Transaction, 'addCode' | 'codeOf' | 'bindChunk' | 'forgetCodes'> {
  return {
    async addCode(code) {
      statement('addCode').run(code.hash, code.contagiousFrom, code.contagiousTo, code.expires)
    },
    async codeOf(hash) {
      const row = statement('code').get(hash)
      if (row === undefined) return undefined
      return {
        hash,
        contagiousFrom: row['contagious_from'] as UnixSeconds,
        contagiousTo: row['contagious_to'] as UnixSeconds,
        expires: row['expires'] as UnixSeconds,
      } satisfies CodeRow
    },
    async bindChunk(hash, day, chunk, digest) {
      if (statement('bindChunk').run(hash, day, chunk, digest).changes === 1) return true
      const bound = statement('chunk').get(hash, day, chunk)?.['digest'] as Uint8Array
      return Buffer.compare(bound, digest) === 0
    },
    async forgetCodes(before) {
      statement('forgetChunks').run(before)
      statement('forgetCodes').run(before)
    },
  }
}
