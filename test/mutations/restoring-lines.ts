// Broken lines of backups, of restoring, and of the memory of who left.
import { mutationsOf, serverTests } from './mutation.ts'

const BACKUP = mutationsOf('packages/server/src/backup/backup.ts', serverTests('backup'), [
  {
    step: 'T-71: the generation',
    breaks: 'the keys keep theirs',
    before: 'if (generation !== NEVER_SERVED) {',
    after: 'if (generation === NEVER_SERVED) {',
  },
  {
    step: 'T-71: the generation',
    breaks: 'a restore that broke off is served',
    before: 'if (!(await target.isEmpty())) {',
    after: 'if (await target.isEmpty()) {',
  },
  {
    step: 'tombstones',
    breaks: 'who left comes back',
    before: 'if (OF_USERS.includes(table.name)) staying = rows.filter((row) => !hasLeft(row[id] as number))',
    after: 'void hasLeft',
  },
  {
    step: 'tombstones',
    breaks: 'marks of another key directory pass for none',
    before: 'return (id) => marks.has(toHex(markOf(key, id)))',
    after: 'return () => false',
  },
  {
    step: 'D10',
    breaks: 'items that nobody can read are restored',
    before: "if (table.name === 'item_queue') staying = rows.filter((row) => isReadable(row[window] as number))",
    after: 'void isReadable',
  },
])

const SEALED = mutationsOf('packages/server/src/backup/sealed-file.ts', serverTests('backup'), [
  {
    step: 'chunks',
    breaks: 'chunks can be exchanged',
    before: 'writeUint(iv, 0, 6, number)',
    after: 'writeUint(iv, 0, 6, 0 * number)',
  },
  {
    step: 'chunks',
    breaks: 'the end can be cut off',
    before: 'iv[11] = last ? 1 : 0',
    after: 'iv[11] = 0 * Number(last)',
  },
])

const MARKS = mutationsOf('packages/server/src/tombstones.ts', serverTests('tombstones'), [
  {
    step: 'tombstones',
    breaks: 'the second mark takes the place of the first',
    before: 'used += equalBytes(mark, NOBODY_LEFT) ? 0 : 1',
    after: 'used += 0',
  },
  {
    step: 'tombstones',
    breaks: 'a batch without anybody who leaves is not written',
    before: 'await file!.write(bytes, 0, BLOCK, block * BLOCK)',
    after:
      'if (!marks.every((mark) => equalBytes(mark, NOBODY_LEFT))) await file!.write(bytes, 0, BLOCK, block * BLOCK)',
  },
  {
    step: 'tombstones',
    breaks: 'marks go before the backups do',
    before: 'removeOld(directory, dayOf(now) - days - 1)',
    after: 'removeOld(directory, dayOf(now) - days + 1)',
  },
])

const FLOW = [
  ...mutationsOf('packages/server/src/flows/authenticated-requests.ts', serverTests('tombstones'), [
    {
      step: 'tombstones',
      breaks: 'who leaves is answered before he is remembered',
      before: 'await deps.tombstones.record(marks)',
      after: 'void deps.tombstones.record(marks)',
    },
    {
      step: 'tombstones',
      breaks: 'a crash before the mark is written forgets him',
      before: 'await tx.noteDepartures(left)',
      after: 'void tx',
    },
  ]),
  ...mutationsOf('packages/server/src/keys/generation.ts', serverTests('restoring'), [
    {
      step: 'T-71: the generation',
      breaks: 'tokens of before are taken',
      before: 'generation === 0 ? key : derived(key, generation, 0)',
      after: 'generation >= 0 ? key : derived(key, generation, 0)',
    },
    {
      step: 'T-71: the generation',
      breaks: 'the keys of the first generation are others',
      before: 'generation === 0 ? key : derived(key, generation, 0)',
      after: 'derived(key, generation, 0)',
    },
  ]),
  ...mutationsOf('packages/server/src/start-checks.ts', serverTests('restoring'), [
    {
      step: 'T-71: an old copy',
      breaks: 'yesterday’s copy is served',
      before:
        "...(newest - last > CLOCK_TOLERANCE ? ['the database is older than the newest marks of who left'] : []),",
      after: '...(newest < last ? [] : []),',
    },
  ]),
]

const CHECK = mutationsOf('packages/server/src/backup/check.ts', serverTests('backup'), [
  {
    step: 'verify',
    breaks: 'exposures of nobody pass',
    before: "must(this.#has(id), 'exposures belong to no user')",
    after: 'this.#has(id)',
  },
])

export const RESTORING_LINES = [...BACKUP, ...SEALED, ...MARKS, ...FLOW, ...CHECK]
