// Engine `postgres:`: PostgreSQL 15 and later. Transactions begin in the order in which they were asked for, each on a connection that
// is then its own; with one connection they run one after the other, as on the other engine.
import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { drawBelow } from '@vicinity/protocol'
import { type Buckets, bucketsOf, MOST_BUCKET_BITS } from './buckets.ts'
import { BadStore, StoreFailure, tooManyWait } from './failures.ts'
import { type Connection, connect } from './postgres-connection.ts'
import { prepareSchema } from './postgres-schema.ts'
import { POSTGRES_SQL, postgresTransaction, type Query, type Row } from './postgres-transaction.ts'
import { MOST_WAITING, type Store, type StoreOptions, type Transaction } from './store.ts'

const MOST_CONNECTIONS = 100

/**
 * A transaction that was given up for another runs again from its start: how often in all, after a serialisation failure, a deadlock,
 * and a lock that did not come, for which it has already waited long.
 */
const ATTEMPTS: ReadonlyMap<string | undefined, number> = new Map([
  ['40001', 10],
  ['40P01', 10],
  ['55P03', 3],
])

/** Where a database is, and what has to stop when the store is closed. */
export interface Server {
  readonly url: string
  readonly stop: () => Promise<void>
}

export interface PostgresPlace {
  readonly url: string
  readonly connections: number
  /** Undefined takes what the database was set up with. */
  readonly bucketBits: number | undefined
}

/**
 * Opens the database of `postgres://USER:PASSWORD@HOST:PORT/NAME`, bringing its schema up to date. Of its parameters
 * `connections` (1 unless said) and `bucketBits` (fixed with the first start) are the engine's own.
 */
export function openPostgres(url: string, options: StoreOptions = {}): Store {
  const place = placeOf(url)
  return postgresStore(async () => ({ url: place.url, stop: async () => {} }), place, options)
}

/** What `openPostgres` reads of a URL; its errors never repeat it, for it may hold a password. */
export function placeOf(url: string): PostgresPlace {
  const parsed = URL.parse(url)
  if (parsed === null) throw new BadStore('this is no URL of PostgreSQL: use postgres://USER:PASSWORD@HOST:PORT/NAME')
  const taken = (name: string, least: number, most: number): number | undefined => {
    const text = parsed.searchParams.get(name)
    if (text === null) return undefined
    parsed.searchParams.delete(name)
    const number = Number(text)
    if (!/^\d+$/.test(text) || number < least || number > most) {
      throw new BadStore(`${name} of the store must be a whole number from ${least} to ${most}`)
    }
    return number
  }
  const connections = taken('connections', 1, MOST_CONNECTIONS) ?? 1
  const bucketBits = taken('bucketBits', 0, MOST_BUCKET_BITS)
  return { url: parsed.href, connections, bucketBits }
}

/** A store on a server that is started, or only found, when the first transaction comes. Until it could be, each tries again. */
export function postgresStore(
  start: () => Promise<Server>,
  { connections, bucketBits }: Omit<PostgresPlace, 'url'>,
  options: StoreOptions = {},
): Store {
  let server: Promise<Server> | undefined
  const lanes = makeLanes(connections, async () => {
    server ??= start()
    const { url } = await server.catch((error: unknown) => {
      server = undefined
      throw error
    })
    return connect(url)
  })
  let schema: Promise<Buckets> | undefined
  const prepared = (connection: Connection): Promise<Buckets> => {
    schema ??= prepareSchema(connection, bucketBits).then(bucketsOf)
    return schema.catch((error: unknown) => {
      schema = undefined
      throw error
    })
  }
  const running = new Set<Promise<unknown>>()
  let closed = false
  const use = <Result>(work: (connection: Connection) => Promise<Result>): Promise<Result> => {
    if (closed) return Promise.reject(new StoreFailure('the store is closed'))
    const result = lanes.use(work)
    const settled = result.catch(() => {}).finally(() => running.delete(settled))
    running.add(settled)
    return result
  }
  return {
    connections,
    transaction: (run) =>
      use(async (connection) => inTransaction(connection, await prepared(connection), run, options)),
    // Deleted rows leave their pages. What the log and earlier backups hold goes when they do: they hold no key that opens it.
    shred: () =>
      use(async (connection) => {
        await prepared(connection)
        await unlimited(connection, 'vacuum exposure, item_queue')
      }),
    async close() {
      closed = true
      await Promise.all(running)
      await lanes.close()
      await (await server)?.stop()
    },
  }
}

/** What no transaction may hold takes as long as it takes. */
async function unlimited(connection: Connection, statement: string): Promise<void> {
  const { rows } = await connection.run('shred', "select current_setting('statement_timeout') as usual")
  await connection.run('shred', 'set statement_timeout = 0')
  try {
    await connection.run('shred', statement)
  } finally {
    await connection.run('shred', `set statement_timeout = '${rows[0]!['usual']}'`).catch(() => {})
  }
}

interface Lanes {
  /** Runs `work` on a connection that nobody else uses meanwhile; whoever asks first is served first. */
  readonly use: <Result>(work: (connection: Connection) => Promise<Result>) => Promise<Result>
  readonly close: () => Promise<void>
}

function makeLanes(count: number, open: () => Promise<Connection>): Lanes {
  const idle: { connection?: Connection }[] = Array.from({ length: count }, () => ({}))
  const lanes = [...idle]
  const waiting: ((lane: { connection?: Connection }) => void)[] = []
  const free = (lane: { connection?: Connection }): void => {
    const next = waiting.shift()
    if (next === undefined) idle.unshift(lane)
    else next(lane)
  }
  const take = (): Promise<{ connection?: Connection }> => {
    const lane = idle.shift()
    if (lane !== undefined) return Promise.resolve(lane)
    return waiting.length < MOST_WAITING
      ? new Promise((resolve) => waiting.push(resolve))
      : Promise.reject(tooManyWait())
  }
  return {
    async use(work) {
      const lane = await take()
      try {
        if (lane.connection?.lives() !== true) lane.connection = await open()
        lane.connection.hold(true)
        return await work(lane.connection)
      } finally {
        lane.connection?.hold(false)
        free(lane)
      }
    },
    async close() {
      await Promise.all(lanes.map(({ connection }) => connection?.close()))
    },
  }
}

/** `run` runs again from its start when the database gave it up for another: the only place where that is decided. */
async function inTransaction<Result>(
  connection: Connection,
  buckets: Buckets,
  run: (tx: Transaction) => Promise<Result>,
  options: StoreOptions,
): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await once(connection, buckets, run, options.onStatement)
    } catch (error) {
      const attempts = error instanceof StoreFailure ? ATTEMPTS.get(error.sqlState) : undefined
      if (attempts === undefined || attempt >= attempts || !connection.lives()) throw error
      // The other has won: it needs no more than the time to end. By chance, or those who lost together would meet again.
      await pause(1 + drawBelow(options.random ?? randomBytes, 2 * attempt * attempt))
    }
  }
}

async function once<Result>(
  connection: Connection,
  buckets: Buckets,
  run: (tx: Transaction) => Promise<Result>,
  report: StoreOptions['onStatement'],
): Promise<Result> {
  const query: Query = async (name, values) => {
    report?.(name)
    const { rows, count } = await connection.query(name, POSTGRES_SQL[name], values)
    return { rows: rows as readonly Row[], count }
  }
  report?.('begin')
  await connection.run('begin', 'begin isolation level read committed')
  try {
    const result = await run(postgresTransaction(query, buckets))
    report?.('commit')
    // Where a statement failed and nobody minded, PostgreSQL answers a commit by rolling back.
    const { command } = await connection.run('commit', 'commit')
    if (command !== 'COMMIT') throw new StoreFailure('a statement of the transaction failed')
    return result
  } catch (error) {
    report?.('rollback')
    await connection.run('rollback', 'rollback').catch(() => {})
    throw error
  }
}
