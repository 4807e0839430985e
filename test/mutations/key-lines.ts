// Broken lines around the keys of the back-end.
import { mutationsOf, serverTests } from './mutation.ts'

export const KEY_LINES = [
  ...mutationsOf('packages/server/src/keys/key-ring.ts', serverTests('process-contacts'), [
    {
      step: 'keys of a job are copies',
      breaks: 'the data key is erased with the first job',
      before: 'return { secrets: concat(...this.#dataKeys.values()), versions: [...this.#dataKeys.keys()] }',
      after: 'return { secrets: [...this.#dataKeys.values()][0]!, versions: [...this.#dataKeys.keys()] }',
    },
  ]),
  ...mutationsOf('packages/server/src/keys/sealed.ts', serverTests('sealed'), [
    {
      step: 'a key of a user opens at its place only',
      breaks: 'the row is not part of the place',
      before: 'writeUint(row, 1, 6, id)',
      after: 'writeUint(row, 1, 6, 0 * id)',
    },
    {
      step: 'a key of a user opens at its place only',
      breaks: 'the column is not part of the place',
      before: 'return concat(COLUMNS[which], row)',
      after: 'return concat(COLUMNS.authentication, row)',
    },
  ]),
]
