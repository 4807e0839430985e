/** A store that cannot be opened as asked: for whoever runs the back-end, in words that say what to do. */
export class BadStore extends Error {
  override readonly name = 'BadStore'
}

/** What an engine says when its database fails. Never a value: the details of a database hold the rows that they are about. */
export class StoreFailure extends Error {
  override readonly name = 'StoreFailure'
  /** PostgreSQL's five characters; undefined where it said none. */
  readonly sqlState: string | undefined

  constructor(what: string, sqlState?: string) {
    super(sqlState === undefined ? what : `${what}: PostgreSQL refused with ${sqlState}`)
    this.sqlState = sqlState
  }
}

/** When more transactions wait than a store lets wait: told before any work. */
export const tooManyWait = (): StoreFailure => new StoreFailure('too many transactions wait')
