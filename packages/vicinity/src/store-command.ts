// `vicinity store`: backup, restoring and preparing of a database, beside the service or before it.
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import {
  adopt,
  type BackupSummary,
  BadBackup,
  backUp,
  backupKey,
  directoryKeys,
  type KeyFiles,
  openStore,
  placeOfStore,
  prepareCitus,
  type Restored,
  restore,
  verifyBackup,
  wallClock,
} from '@vicinity/server'
import { Command } from 'commander'
import { utc } from './inspect/fields.ts'
import { isOfStore } from './store.ts'
import { UsageError } from './usage.ts'

interface StoreOptions {
  readonly data: string
  readonly keys?: string
  readonly store?: string
  readonly departed?: readonly string[]
  readonly json?: boolean
}

const URLS = 'sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/NAME (default: in the data directory)'

export function storeCommand(): Command {
  const store = new Command('store').description('Backup, restoring and preparing of a database')
  withPlace(store.command('backup'))
    .description('Write a sealed backup, while the service runs or not; it holds no key')
    .requiredOption('--out <file>', 'the file to write; it must not be there yet')
    .action(
      orWords(async (options: StoreOptions & { readonly out: string }) => {
        const keyFiles = keysOf(options)
        const key = backupKey(keyFiles, randomBytes)
        const place = placeOfStore(urlOf(options))
        const input = { place, path: options.out, key, random: randomBytes, at: wallClock(), progress: progressOf() }
        print(options, `${options.out}: a backup`, await backUp(input))
      }),
    )
  store
    .command('verify')
    .description('Read a backup to its end: every chunk, every count, and whether its rows fit together')
    .argument('<file>', 'the backup')
    .option('--data <directory>', 'database and keys', '.vicinity/serve')
    .option('--keys <directory>', 'keys (default: in the data directory)')
    .option('--json', 'one line of JSON')
    .action(
      orWords(async (file: string, options: StoreOptions) => {
        print(options, `${file}: whole`, verifyBackup(file, knownBackupKey(keysOf(options)), progressOf()))
      }),
    )
  withPlace(store.command('restore'))
    .description(
      'Restore a backup into an empty database; what was issued since the backup and before is refused from then on',
    )
    .argument('<file>', 'the backup')
    .option('--departed <directories...>', 'marks of who left, of every server (default: in the data directory)')
    .action(
      orWords(async (file: string, options: StoreOptions) => {
        const keyFiles = keysOf(options)
        const restored = await restore({
          place: placeOfStore(urlOf(options)),
          path: file,
          key: knownBackupKey(keyFiles),
          keyFiles,
          departed: departedOf(options),
          before: () => {},
          progress: progressOf(),
        })
        print(options, `${file}: restored`, restored)
      }),
    )
  addAdopt(store)
  addPrepare(store)
  return store
}

function addAdopt(store: Command): void {
  withPlace(store.command('adopt'))
    .description(
      'Take a database as it is, where no backup is better: an old copy, or a new one in the place of one that is lost',
    )
    .option('--departed <directories...>', 'marks of who left, of every server (default: in the data directory)')
    .action(
      orWords(async (options: StoreOptions) => {
        const url = urlOf(options)
        const place = placeOfStore(url)
        const opened = openStore(url)
        try {
          const departed = departedOf(options)
          const taken = await adopt({ place, store: opened, keyFiles: keysOf(options), departed, before: () => {} })
          console.log(
            options.json
              ? JSON.stringify(taken)
              : `the database is of generation ${taken.generation} now; ${taken.left} users of it had left`,
          )
        } finally {
          await opened.close()
        }
      }),
    )
}

function addPrepare(store: Command): void {
  store
    .command('prepare')
    .description('Make a new database ready before its first start')
    .requiredOption('--store <url>', 'postgres://USER:PASSWORD@HOST:PORT/NAME?bucketBits=6')
    .requiredOption('--citus', 'spread the tables of users over the nodes of Citus, by their bucket')
    .option('--print', 'only print the statements')
    .action(
      orWords(async ({ store: url, print: only = false }: { readonly store: string; readonly print?: boolean }) => {
        for (const statement of await prepareCitus(url, !only)) console.log(`${statement};`)
      }),
    )
}

const withPlace = (command: Command): Command =>
  command
    .option('--data <directory>', 'database and keys', '.vicinity/serve')
    .option('--keys <directory>', 'keys (default: in the data directory)')
    .option('--store <url>', URLS)
    .option('--json', 'one line of JSON')

const urlOf = ({ data, store }: StoreOptions): string => store ?? `sqlite:${join(data, 'vicinity.db')}`

function keysOf({ data, keys = join(data, 'keys') }: StoreOptions): KeyFiles {
  if (!existsSync(keys)) throw new UsageError(`there are no keys in ${keys}: give them with --keys or --data`)
  return directoryKeys(keys)
}

function departedOf({ data, departed = [join(data, 'departed')] }: StoreOptions): readonly string[] {
  const missing = departed.find((directory) => !existsSync(directory))
  if (missing === undefined) return departed
  throw new UsageError(`there is no directory ${missing}: without the marks of who left a restore revives them`)
}

/** Never made here: a new one opens nothing. */
function knownBackupKey(keyFiles: KeyFiles): Uint8Array {
  const key = keyFiles.read('backup')
  if (key === undefined) throw new UsageError('the key directory has no key of backups: it is not that of this backup')
  return key
}

/** A line for every half million rows of a table. */
function progressOf() {
  const shown = new Map<string, number>()
  return (table: string, rows: number): void => {
    const step = Math.floor(rows / 500_000)
    if (step <= (shown.get(table) ?? 0)) return
    shown.set(table, step)
    console.error(`${table} ${rows}`)
  }
}

function print({ json }: StoreOptions, what: string, summary: BackupSummary & Partial<Restored>): void {
  const { generation, at, rows, left, unreadable } = summary
  if (json) {
    console.log(JSON.stringify({ generation, at: utc(at), rows, ...(left !== undefined && { left, unreadable }) }))
    return
  }
  const held = Object.entries(rows).filter(([, count]) => count > 0)
  console.log(`${what} of ${utc(at)}, generation ${generation}`)
  for (const [table, count] of held) console.log(`  ${table.padEnd(20)} ${String(count).padStart(10)}`)
  if (left !== undefined) console.log(`  ${left} users of it had left, and stay away`)
  if (unreadable) console.log(`  ${unreadable} queued items stay away: the key of their window is destroyed`)
}

/** What the operator can mend is told in one line. */
const orWords =
  <Args extends readonly unknown[]>(run: (...args: Args) => Promise<void>) =>
  async (...args: Args): Promise<void> => {
    try {
      await run(...args)
    } catch (error) {
      const isSystem = error instanceof Error && 'syscall' in error
      if (error instanceof BadBackup || isOfStore(error) || isSystem) throw new UsageError((error as Error).message)
      throw error
    }
  }
