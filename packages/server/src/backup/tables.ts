// What a backup holds, in words that both engines understand.

export type Kind = 'number' | 'bytes' | 'text'
export type Value = number | string | Uint8Array | null
/** Values in the order of the columns. */
export type Row = readonly Value[]

export interface Table {
  readonly name: string
  readonly columns: Readonly<Record<string, Kind>>
  /** The order of its rows: its primary key. */
  readonly key: readonly string[]
  /** Where PostgreSQL spreads it: the column whose leading bits are the bucket. */
  readonly bucketBy?: string
}

const table = (
  name: string,
  key: readonly string[],
  columns: Readonly<Record<string, Kind>>,
  bucketBy?: string,
): Table => ({ name, key, columns, ...(bucketBy !== undefined && { bucketBy }) })

/** In this order, which `check.ts` relies on: users before what hangs on them. */
export const TABLES: readonly Table[] = [
  table('set_up', ['one'], { one: 'number', description: 'text' }),
  table('last_time', ['one'], { one: 'number', at: 'number' }),
  table('user_key', ['id'], { id: 'number', authentication_key: 'bytes', encryption_key: 'bytes' }, 'id'),
  table(
    'user_status',
    ['id'],
    { id: 'number', notified: 'number', status_epoch: 'number', warned_through: 'number', request_tag: 'bytes' },
    'id',
  ),
  table('exposure', ['id'], { id: 'number', lee: 'bytes' }, 'id'),
  table('spent_token', ['day', 'spent_key'], { day: 'number', spent_key: 'bytes' }, 'spent_key'),
  // While the key of their window lives a restore saves these items; afterwards they are noise, and are dropped with a count.
  table('item_queue', ['window', 'row_id'], { window: 'number', row_id: 'bytes', body: 'bytes' }, 'row_id'),
  table('code', ['hash'], { hash: 'bytes', contagious_from: 'number', contagious_to: 'number', expires: 'number' }),
  table('code_chunk', ['hash', 'day', 'chunk'], { hash: 'bytes', day: 'number', chunk: 'number', digest: 'bytes' }),
  table('verification_code', ['handle'], {
    handle: 'bytes',
    code: 'bytes',
    long_code: 'bytes',
    test_type: 'text',
    symptom_day: 'number',
    test_day: 'number',
    expires: 'number',
    long_expires: 'number',
    nonce: 'bytes',
    phone: 'bytes',
    claimed: 'number',
  }),
  table('verification_report', ['phone'], { phone: 'bytes', expires: 'number' }),
  table('verification_tally', ['window'], {
    window: 'number',
    calls: 'number',
    chaff: 'number',
    wrong: 'number',
    issued: 'number',
  }),
  table('diagnosis_key', ['key_data'], {
    key_data: 'bytes',
    rolling_start: 'number',
    rolling_period: 'number',
    risk: 'number',
    report_type: 'number',
    onset: 'number',
    release: 'number',
    source: 'text',
    revised: 'number',
    revised_risk: 'number',
    revised_type: 'number',
    revised_onset: 'number',
  }),
  table('export_window', ['starts'], {
    starts: 'number',
    ends: 'number',
    invented: 'number',
    listed: 'number',
    signers: 'text',
  }),
  table('imported_file', ['peer', 'path'], { peer: 'text', path: 'text', seen: 'number' }),
]

/** Tables that no backup holds, and why. */
export const LEFT_OUT: Readonly<Record<string, string>> = {
  schema_version: 'of the database, not of the service',
  nobody_status: 'of nobody, and the same everywhere',
  generation: 'a restore gives another',
  departed: 'marks of who left: a backup that held them would tell who left',
  spent_challenge: 'challenges of before a restore are refused, and live for minutes',
  verification_token: 'tokens of before a restore are refused, and live for a day',
}

/** Rows of them come with the schema. */
const NEVER_EMPTY: readonly string[] = ['schema_version', 'nobody_status']

/** Tables that are empty in a new database. */
export const EMPTY_AT_FIRST: readonly string[] = [
  ...TABLES.map(({ name }) => name),
  ...Object.keys(LEFT_OUT).filter((name) => !NEVER_EMPTY.includes(name)),
]

export const tableOf = (name: string): Table | undefined => TABLES.find((known) => known.name === name)
