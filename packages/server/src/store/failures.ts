/** A store that cannot be opened as asked: for whoever runs the back-end, in words that say what to do. */
export class BadStore extends Error {
  override readonly name = 'BadStore'
}

/** What the engine of PostgreSQL says when the database fails. Never a value: PostgreSQL's own details hold the rows that they are about. */
export class StoreFailure extends Error {
  override readonly name = 'StoreFailure'
  readonly code = 'ERR_STORE'
  /** PostgreSQL's five characters; undefined where the connection failed. */
  readonly sqlState: string | undefined

  constructor(what: string, sqlState?: string) {
    super(sqlState === undefined ? what : `${what}: PostgreSQL refused with ${sqlState}`)
    this.sqlState = sqlState
  }
}
