// One connection to PostgreSQL: what goes over it, and what its errors may say.
import { Client, type CustomTypesConfig, types } from 'pg'
import { BadStore, StoreFailure } from './failures.ts'

const CONNECT_MILLISECONDS = 10_000
const OLDEST = 150_000

/** Nothing of a store waits without end: neither a statement, nor for a row, nor a transaction whose process stands still. */
const LIMITS = { statement_timeout: '60s', lock_timeout: '2s', idle_in_transaction_session_timeout: '60s' }
/** Undoes them in a transaction whose work takes as long as it takes. */
export const WITHOUT_LIMITS = Object.keys(LIMITS)
  .map((name) => `set local ${name} = 0`)
  .join('; ')

export interface Result {
  readonly rows: readonly Readonly<Record<string, never>>[]
  readonly count: number
  /** The first word of what was done: `COMMIT`, `ROLLBACK`. */
  readonly command: string
}

export interface Connection {
  /** Prepared once under its name. Waits for what was asked before. */
  readonly query: (name: string, sql: string, values?: readonly unknown[]) => Promise<Result>
  /** Prepares nothing; may be several statements without values. */
  readonly run: (what: string, sql: string) => Promise<Result>
  /** False after it was lost. */
  readonly lives: () => boolean
  /** Whether it keeps the process running. */
  readonly hold: (held: boolean) => void
  readonly close: () => Promise<void>
}

const INT8 = 20
const BYTEA = 17
/** Ids have 40 bits and times fewer, so every int8 of this schema is a number; bytes are bytes. */
const TYPES: CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text') => {
    if (oid === INT8) return Number
    if (oid === BYTEA) return (text: string) => new Uint8Array(Buffer.from(text.slice(2), 'hex'))
    return types.getTypeParser(oid, format)
  }) as CustomTypesConfig['getTypeParser'],
}

type Referenced = Client & { readonly ref: () => void; readonly unref: () => void }

const failureOf = (what: string, error: unknown): StoreFailure => {
  const { code } = error as { code?: string }
  return new StoreFailure(what, /^[0-9A-Z]{5}$/.test(code ?? '') ? code : undefined)
}

/** Connects, with what the engine relies on set: where commits are not on disk when they are answered, they are from here on. */
export async function connect(url: string): Promise<Connection> {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_MILLISECONDS,
    keepAlive: true,
    application_name: 'vicinity',
    types: TYPES,
  }) as Referenced
  let lives = true
  client.on('error', () => {
    lives = false
  })
  client.on('end', () => {
    lives = false
  })
  try {
    await client.connect()
  } catch (error) {
    await client.end().catch(() => {})
    const { sqlState } = failureOf('', error)
    const reason =
      sqlState === undefined ? ((error as NodeJS.ErrnoException).code ?? 'no answer') : `it says ${sqlState}`
    throw new StoreFailure(`PostgreSQL cannot be reached (${reason}): check the address, the user and the password`)
  }
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = (what: string, config: Parameters<Client['query']>[0]): Promise<Result> => {
    const result = last.then(async () => {
      try {
        const { rows, rowCount, command } = await client.query(config as never)
        return { rows, count: rowCount ?? 0, command }
      } catch (error) {
        throw failureOf(what, error)
      }
    })
    last = result.catch(() => {})
    return result
  }
  const connection: Connection = {
    query: (name, text, values = []) => inTurn(name, { name, text, values: [...values] } as never),
    run: (what, text) => inTurn(what, { text } as never),
    lives: () => lives,
    // A socket that is gone would note each of these for when it connects, which is never.
    hold(held) {
      if (lives && held) client.ref()
      else if (lives) client.unref()
    },
    close() {
      if (lives) client.ref()
      return client.end().catch(() => {})
    },
  }
  try {
    await settle(connection)
  } catch (error) {
    await connection.close()
    throw error
  }
  return connection
}

async function settle(connection: Connection): Promise<void> {
  const { rows } = await connection.run('settle', SETTLE)
  if (Number(rows[0]?.['version']) < OLDEST) throw new BadStore('PostgreSQL is too old: use 15 or later')
}

// `on` leaves a stricter setting alone: `remote_apply` waits for more. Whatever a server, a user or the URL limits stays as it is.
const SETTLE = `select current_setting('server_version_num')::int4 as version, case
  when current_setting('synchronous_commit') in ('off', 'local') then set_config('synchronous_commit', 'on', false) end,
  ${Object.entries(LIMITS)
    .map(
      ([name, limit]) => `case when current_setting('${name}') = '0' then set_config('${name}', '${limit}', false) end`,
    )
    .join(', ')}`
