// Every column of every table of both engines: what it is for, how long it is there, and what erases it. A test holds it to the schemas, a
// second one drives each eraser, and docs/retention.md is made from it.
import { DAY_SECONDS } from '@vicinity/protocol'
import { PARAMETERS } from '@vicinity/protocol/robert'
import { LIFE } from './flows/verification/windows.ts'
import { DEFAULT_GAEN_SETTINGS } from './gaen-settings.ts'

/** Jobs by their name in jobs.ts, and what happens without one. */
export type Eraser =
  | 'purge'
  | 'process contacts'
  | 'verification'
  | 'exports'
  | 'imports'
  | 'departures'
  | 'unregistering'
  | 'the end of the database'

export interface Kept {
  readonly purpose: string
  /** With the default parameters. */
  readonly atMost: string
  readonly erasedBy: Eraser
  /** Where a column holds the time that counts: in units of so many seconds, and how many seconds later the row is gone at the eraser's next turn. */
  readonly age?: { readonly column: string; readonly unit: number; readonly seconds: number }
  /** What each column is for. One that ends before its row says so after a bar. */
  readonly columns: Readonly<Record<string, string>>
  /** Columns and tables that only PostgreSQL has. */
  readonly onlyPostgres?: 'table' | readonly string[]
}

const CT = PARAMETERS.contagiousDays.value
const POOL = PARAMETERS.poolWindow.value
const BUCKET = 'spreads rows over machines; drawn from the key'
const EXPORTED_DAYS = 15
const REMEMBERED_DAYS = 30
const WINDOW = DEFAULT_GAEN_SETTINGS.keyServer.exports.window

const USERS: Readonly<Record<string, Kept>> = {
  user_key: {
    purpose: 'IDTable: the keys that a phone shares with the back-end (ROBERT §3.2.1)',
    atMost: 'the account',
    erasedBy: 'unregistering',
    columns: {
      id: 'finds the account of an identifier',
      bucket: BUCKET,
      authentication_key: 'checks what the phone says; sealed',
      encryption_key: 'answers the phone; sealed',
    },
    onlyPostgres: ['bucket'],
  },
  user_status: {
    purpose: 'IDTable: what a status request has to know (ROBERT §7)',
    atMost: 'the account',
    erasedBy: 'unregistering',
    columns: {
      id: 'finds the account',
      bucket: BUCKET,
      notified: 'none, pending or acknowledged: a lost warning is told again',
      status_epoch: 'the last request that was answered: its frequency is limited',
      warned_through: 'exposures up to here do not count again',
      request_tag: 'knows the last request when it is sent again',
    },
    onlyPostgres: ['bucket'],
  },
  exposure: {
    purpose: 'LEE: when a user was near somebody contagious, to the slot, never near whom',
    atMost: `${CT} days from each exposure`,
    erasedBy: 'purge',
    columns: { id: 'finds the account', bucket: BUCKET, lee: `epochs, slots and weights, packed | ${CT} days each` },
    onlyPostgres: ['bucket'],
  },
  nobody_status: {
    purpose: 'rows of nobody, written where a request changes no status: time tells no outcome',
    atMost: 'constant',
    erasedBy: 'the end of the database',
    columns: {
      id: 'the number of the row',
      notified: 'constant',
      status_epoch: 'constant',
      warned_through: 'constant',
      request_tag: 'constant',
    },
  },
  departed: {
    purpose: 'marks of who left, until they lie outside the database',
    atMost: 'minutes',
    erasedBy: 'departures',
    columns: { mark: 'a keyed hash of the account' },
  },
}

const UPLOADS: Readonly<Record<string, Kept>> = {
  item_queue: {
    purpose:
      'uploaded items until their pool window is over; sealed under a key that lies elsewhere and is then destroyed',
    atMost: `${POOL / 3600} hours and five minutes; a day where the key is missing`,
    erasedBy: 'process contacts',
    age: { column: 'window', unit: POOL, seconds: POOL + DAY_SECONDS },
    columns: {
      window: 'when it may be applied, to six hours',
      bucket: BUCKET,
      row_id: 'random: its order is not that of arrival',
      body: 'the item, sealed',
    },
    onlyPostgres: ['bucket'],
  },
  spent_token: {
    purpose: 'which tokens were spent: each item counts once',
    atMost: `${CT + 2} days from the day of the contact`,
    erasedBy: 'purge',
    age: { column: 'day', unit: DAY_SECONDS, seconds: (CT + 2) * DAY_SECONDS },
    columns: { day: 'of the contact', bucket: BUCKET, spent_key: '16 bytes of a hash of the token' },
    onlyPostgres: ['bucket'],
  },
  spent_challenge: {
    purpose: 'which challenges were used to register',
    atMost: `${PARAMETERS.challengeLife.value / 60} minutes and an epoch`,
    erasedBy: 'purge',
    age: { column: 'expires', unit: 1, seconds: 0 },
    columns: { expires: 'when nobody can use it any more', bucket: BUCKET, spent_key: 'a hash of the challenge' },
    onlyPostgres: ['bucket'],
  },
}

const AUTHORITY: Readonly<Record<string, Kept>> = {
  code: {
    purpose: 'codes of the authority (ROBERT §6.1)',
    atMost: `${PARAMETERS.codeDays.value} days and an epoch`,
    erasedBy: 'purge',
    age: { column: 'expires', unit: 1, seconds: 0 },
    columns: {
      hash: 'of the code',
      contagious_from: 'the window that tokens are given for',
      contagious_to: 'its end',
      expires: 'when it can be redeemed no more',
    },
  },
  code_chunk: {
    purpose: 'a chunk of tokens is asked for again with the same requests only',
    atMost: 'its code',
    erasedBy: 'purge',
    columns: { hash: 'of the code', day: 'of the contacts', chunk: 'its number', digest: 'a hash of the requests' },
  },
}

const SECRET_HOURS = `${(LIFE.longCode + LIFE.endedCode) / 3600} hours`

const VERIFICATION: Readonly<Record<string, Kept>> = {
  verification_code: {
    purpose: 'codes of the verification server (GAEN)',
    atMost: `${LIFE.codeStatus / DAY_SECONDS} days from the end of the code`,
    erasedBy: 'verification',
    age: { column: 'long_expires', unit: 1, seconds: LIFE.codeStatus },
    columns: {
      handle: 'a keyed hash of what the authority asks by',
      code: `a keyed hash | ${SECRET_HOURS}`,
      long_code: `a keyed hash | ${SECRET_HOURS}`,
      test_type: 'stands in the certificate',
      symptom_day: 'stands in the certificate',
      test_day: 'stands in the certificate',
      expires: 'of the short code',
      long_expires: 'of the long code',
      nonce: `a keyed hash of who may enter a code of her own | ${SECRET_HOURS}`,
      phone: `a keyed hash of who asked for it | ${SECRET_HOURS}`,
      claimed: 'whether it was entered',
    },
  },
  verification_token: {
    purpose: 'tokens between a code and its certificate: each is used once',
    atMost: `${(LIFE.token + LIFE.endedToken) / DAY_SECONDS} days`,
    erasedBy: 'verification',
    age: { column: 'expires', unit: 1, seconds: LIFE.endedToken },
    columns: { hash: 'of the token', expires: 'when it can be used no more', used: 'whether it was' },
  },
  verification_report: {
    purpose: 'a phone number reports without the authority once in a while',
    atMost: `${LIFE.report / DAY_SECONDS} days`,
    erasedBy: 'verification',
    age: { column: 'expires', unit: 1, seconds: 0 },
    columns: { phone: 'a keyed hash of the number', expires: 'when it may report again' },
  },
  verification_tally: {
    purpose: 'numbers of a quarter of an hour: limits, and what the authority is told of chaff',
    atMost: `${LIFE.tally / DAY_SECONDS} days`,
    erasedBy: 'verification',
    age: { column: 'window', unit: LIFE.shortCode, seconds: LIFE.tally + LIFE.shortCode },
    columns: {
      window: 'which quarter of an hour',
      calls: 'how many',
      chaff: 'of them chaff',
      wrong: 'wrong codes',
      issued: 'codes issued',
    },
  },
}

const KEY_SERVER: Readonly<Record<string, Kept>> = {
  diagnosis_key: {
    purpose: 'keys that phones published, and those invented to hide them (GAEN): they are public',
    atMost: `${EXPORTED_DAYS} days from the end of the window that they are released in`,
    erasedBy: 'exports',
    age: { column: 'release', unit: 1, seconds: EXPORTED_DAYS * DAY_SECONDS + WINDOW },
    columns: {
      key_data: 'the key',
      rolling_start: 'when it began to be used',
      rolling_period: 'and for how long',
      risk: 'as published',
      report_type: 'as published',
      onset: 'days since the onset of symptoms, as published',
      release: 'the hour from which it may be exported',
      source: 'here, invented, or the country that it came from',
      revised: 'the hour of its revision',
      revised_risk: 'as revised',
      revised_type: 'as revised',
      revised_onset: 'as revised',
    },
  },
  export_window: {
    purpose: 'which windows were exported, so that phones find each file once',
    atMost: `${EXPORTED_DAYS} days from its end`,
    erasedBy: 'exports',
    age: { column: 'ends', unit: 1, seconds: EXPORTED_DAYS * DAY_SECONDS },
    columns: {
      starts: 'of the window',
      ends: 'of the window',
      invented: 'whether its keys were invented already',
      signers: 'versions of the signing keys',
      listed: 'number of its files',
    },
  },
  imported_file: {
    purpose: 'which files of other servers were read',
    atMost: `${REMEMBERED_DAYS} days after the index last listed it`,
    erasedBy: 'imports',
    age: { column: 'seen', unit: 1, seconds: REMEMBERED_DAYS * DAY_SECONDS },
    columns: { peer: 'whose', path: 'which', seen: 'when the index last listed it' },
  },
}

const FOR_EVER = { atMost: 'the database', erasedBy: 'the end of the database' } as const

const SERVICE: Readonly<Record<string, Kept>> = {
  set_up: {
    purpose: 'which service this is',
    ...FOR_EVER,
    columns: { one: 'there is one row', description: 'calendar, country, profile, a check of the keys' },
  },
  last_time: {
    purpose: 'a clock that is behind is found at the start',
    ...FOR_EVER,
    columns: { one: 'there is one row', at: 'when the back-end last ran' },
  },
  generation: {
    purpose: 'how often the database was restored',
    ...FOR_EVER,
    columns: { one: 'there is one row', number: 'how often' },
  },
  schema_version: {
    purpose: 'which version the schema is of',
    ...FOR_EVER,
    columns: { version: 'the version', bucket_bits: 'how finely rows are spread', one: 'there is one row' },
    onlyPostgres: 'table',
  },
}

/** By table. */
export const RETENTION: Readonly<Record<string, Kept>> = {
  ...USERS,
  ...UPLOADS,
  ...AUTHORITY,
  ...VERIFICATION,
  ...KEY_SERVER,
  ...SERVICE,
}

const HEADING = `# What is kept, and for how long

Every column of every table, held to both schemas by a test; this page is made from \`packages/server/src/retention.ts\`. Times are
those of the default parameters; an eraser is a job of \`packages/server/src/jobs.ts\`, and comes at its next turn. Outside the database: the
audit log holds no data of users and stays; tombstones of who left are keyed hashes and stay for ${CT + 7} days; keys of days and of
windows are destroyed as \`packages/server/src/keys/catalogue.ts\` says; addresses and requests are written nowhere. An account lives until
its phone unregisters: accounts that were only given up are not erased by age.
`

/** docs/retention.md. */
export function retentionText(): string {
  const tables = Object.entries(RETENTION).map(([table, { purpose, atMost, erasedBy, columns, onlyPostgres }]) => {
    const where = onlyPostgres === 'table' ? ' (PostgreSQL only)' : ''
    const rows = Object.entries(columns).map(([column, text]) => {
      const [what, until] = text.split(' | ')
      const own = Array.isArray(onlyPostgres) && onlyPostgres.includes(column) ? ' (PostgreSQL only)' : ''
      return `| \`${column}\` | ${what}${own} | ${until ?? ''} |`
    })
    const intro = `At most: ${atMost}. Erased by: ${erasedBy}.`
    return `## ${table}${where}\n\n${purpose[0]!.toUpperCase()}${purpose.slice(1)}.\n\n${intro}\n\n| column | for | sooner |\n|---|---|---|\n${rows.join('\n')}\n`
  })
  return [HEADING, ...tables].join('\n')
}
