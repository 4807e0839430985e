// What must hold of the rows of a backup, whatever engine they came from.
import { BadBackup } from './sealed-file.ts'
import type { Row, Table } from './tables.ts'

const EXPOSURE = 4
const TAG = 8
const SPENT_KEY = 16

/** Looks at rows in the order of `TABLES`. Keeps 8 bytes for each user. */
export class RowCheck {
  #ids = new Float64Array(1024)
  #users = 0
  #statuses = 0
  #setUps = 0
  /** The set-up that the database was made with. */
  setUp = ''

  /** Throws `BadBackup` where a row cannot be. */
  see(table: Table, row: Row): void {
    const value = (column: string) => row[Object.keys(table.columns).indexOf(column)] ?? null
    const id = value('id') as number
    if (table.name === 'set_up') {
      this.#setUps++
      this.setUp = String(value('description'))
    } else if (table.name === 'user_key') this.#add(id)
    else if (table.name === 'user_status') {
      // Both are in the order of the ids.
      must(this.#statuses < this.#users && this.#ids[this.#statuses] === id, 'a status belongs to no user')
      this.#statuses++
      must([0, 1, 2].includes(value('notified') as number), 'a status is unknown')
      must((value('request_tag') as Uint8Array).length === TAG, 'a status is damaged')
    } else if (table.name === 'exposure') {
      must(this.#has(id), 'exposures belong to no user')
      const { length } = value('lee') as Uint8Array
      must(length > 0 && length % EXPOSURE === 0, 'exposures are damaged')
    } else if (table.name === 'spent_token') {
      must((value('spent_key') as Uint8Array).length === SPENT_KEY, 'a spent token is damaged')
    }
  }

  /** Throws `BadBackup` where rows are missing. */
  end(): void {
    must(this.#statuses === this.#users, 'a user has no status')
    must(this.#setUps <= 1, 'there are two set-ups')
  }

  #add(id: number): void {
    must(Number.isSafeInteger(id) && id >= 0, 'an id is none')
    must(this.#users === 0 || this.#ids[this.#users - 1]! < id, 'users are out of order')
    if (this.#users === this.#ids.length) {
      const larger = new Float64Array(2 * this.#users)
      larger.set(this.#ids)
      this.#ids = larger
    }
    this.#ids[this.#users++] = id
  }

  #has(id: number): boolean {
    let [from, to] = [0, this.#users]
    while (from < to) {
      const middle = Math.floor((from + to) / 2)
      if (this.#ids[middle]! < id) from = middle + 1
      else to = middle
    }
    return from < this.#users && this.#ids[from] === id
  }
}

function must(holds: boolean, fault: string): void {
  if (!holds) throw new BadBackup(`the rows of the backup do not fit together: ${fault}`)
}
