// `vicinity store`: backup, restoring and preparing of a database, beside the service or before it.
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { PROFILES } from '@vicinity/protocol/robert'
import {
  adopt,
  auditFiles,
  auditSigner,
  type BackupSummary,
  BadBackup,
  backUp,
  backupDays,
  backupKey,
  type KeyFiles,
  openAudit,
  openKeys,
  openStore,
  placeOfStore,
  plainVault,
  prepareCitus,
  type Restored,
  restore,
  settingsFor,
  type Vault,
  VaultError,
  verifyBackup,
  wallClock,
} from '@vicinity/server'
import { Command } from 'commander'
import { CONFIG, configOf, type Option, optionOf, optionsOf, placesOf } from './config.ts'
import { utc } from './inspect/fields.ts'
import { isOfStore } from './store.ts'
import { UsageError } from './usage.ts'
import { VAULT_ENVIRONMENT, vaultOf } from './vault.ts'

interface Given extends Readonly<Record<string, unknown>> {
  readonly config?: string
  readonly out?: string
  readonly alsoDeparted?: readonly string[]
  readonly rehearse?: boolean
  readonly json?: boolean
}

export function storeCommand(): Command {
  const store = new Command('store').description('Backup, restoring and preparing of a database')
  stepOf(store, 'backup', ['data', 'keys', 'vault', 'store'])
    .description('Write a sealed backup, while the service runs or not; it holds no key')
    .requiredOption('--out <file>', 'the file to write; it must not be there yet')
    .action(
      orWords(async (given: Given) => {
        const { url, keyFiles } = world(given)
        const [key, place, path] = [backupKey(keyFiles, randomBytes), placeOfStore(url), given.out!]
        const input = { place, path, key, random: randomBytes, at: wallClock(), progress: progressOf() }
        print(given, `${path}: a backup`, await backUp(input))
      }),
    )
  stepOf(store, 'verify', ['data', 'keys', 'vault'])
    .description('Read a backup to its end: every chunk, every count, and whether its rows fit together')
    .argument('<file>', 'the backup')
    .action(
      orWords(async (file: string, given: Given) => {
        print(given, `${file}: whole`, verifyBackup(file, knownBackupKey(world(given).keyFiles), progressOf()))
      }),
    )
  withDeparted(stepOf(store, 'restore', ['data', 'keys', 'vault', 'store', 'audit', 'departed']))
    .description('Restore a backup into an empty database: tokens that were issued before are refused from then on')
    .argument('<file>', 'the backup')
    .option('--rehearse', 'a drill: the keys stay as they are, and the database is never served')
    .action(orWords(restoreFrom))
  withDeparted(stepOf(store, 'adopt', ['data', 'keys', 'vault', 'store', 'audit', 'departed']))
    .description('Take a database as it is, where no backup is better: an old copy, or a new one')
    .action(orWords(adoptAsItIs))
  store
    .command('prepare')
    .description('Make a new database ready before its first start')
    .requiredOption('--store <url>', 'postgres://USER:PASSWORD@HOST:PORT/NAME?bucketBits=6')
    .requiredOption('--citus', 'spread the tables of users over the nodes of Citus, by their bucket')
    .option('--print', 'only print the statements')
    .action(
      orWords(async ({ store: url, print: only }: { readonly store: string; readonly print?: boolean }) => {
        for (const statement of await prepareCitus(url, only !== true)) console.log(`${statement};`)
      }),
    )
  return store
}

/** A command that finds its places where `vicinity serve` does. */
function stepOf(store: Command, name: string, places: readonly Option[]): Command {
  const command = store.command(name).option('--config <file>', 'configuration of the service')
  for (const place of places) command.option(`${optionOf(place)} <${CONFIG[place].argument}>`, CONFIG[place].help)
  return command
    .option('--json', 'one line of JSON')
    .addHelpText('after', `\nSecrets in the environment:${VAULT_ENVIRONMENT}`)
}

const withDeparted = (command: Command): Command =>
  command.option('--also-departed <directories...>', 'marks of who left at other servers of the back-end')

interface World {
  readonly url: string
  readonly vault: Vault | undefined
  readonly keyFiles: KeyFiles
  readonly audit: string
  readonly departed: readonly string[]
  /** That a backup may live. */
  readonly days: number
}

function world(given: Given): World {
  const config = configOf(given.config, optionsOf(given))
  const { store: url, keys, audit, departed } = placesOf(config)
  if (!existsSync(keys)) throw new UsageError(`there are no keys in ${keys}: give --config, --data or --keys`)
  const vault = vaultOf(config.vault)
  const profile = PROFILES.find(({ name }) => name === config.profile)!
  const { contagiousDays } = { ...settingsFor(profile).parameters, ...config.parameters }
  return {
    url,
    vault,
    keyFiles: openKeys(keys, vault),
    audit,
    departed: [departed, ...(given.alsoDeparted ?? [])],
    days: backupDays(contagiousDays),
  }
}

async function restoreFrom(file: string, given: Given): Promise<void> {
  const opened = world(given)
  const { url, keyFiles, departed, days } = opened
  const restored = await restore({
    place: placeOfStore(url),
    path: file,
    key: knownBackupKey(keyFiles),
    keyFiles,
    departed: knownDirectories(departed),
    days,
    at: wallClock(),
    before: (generation) => log(opened, 'store.restored', generation),
    rehearsed: given.rehearse === true,
    progress: progressOf(),
  })
  print(given, `${file}: ${given.rehearse === true ? 'could be restored' : 'restored'}`, restored)
}

async function adoptAsItIs(given: Given): Promise<void> {
  const opened = world(given)
  const { url, keyFiles, departed } = opened
  const [place, store] = [placeOfStore(url), openStore(url)]
  try {
    const before = (generation: number) => log(opened, 'store.adopted', generation)
    const taken = await adopt({ place, store, keyFiles, departed: knownDirectories(departed), at: wallClock(), before })
    if (given.json === true) console.log(JSON.stringify(taken))
    else console.log(`the database is of generation ${taken.generation} now; ${taken.left} users of it had left`)
  } finally {
    await store.close()
  }
}

/** In the log before it takes effect; the service does not run meanwhile. */
function log({ audit, vault, keyFiles }: World, act: 'store.restored' | 'store.adopted', generation: number): void {
  const files = auditFiles(audit)
  const signer = auditSigner(vault ?? plainVault(keyFiles, randomBytes))
  openAudit({ files, signer, now: wallClock, parameters: act }).append(act, { generation })
  files.log.close()
  files.heads.close()
}

function knownDirectories(departed: readonly string[]): readonly string[] {
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

function print({ json }: Given, what: string, summary: BackupSummary & Partial<Restored>): void {
  const { generation, at, rows, left, unreadable } = summary
  if (json === true) {
    const kept = left === undefined ? {} : { left, unreadable }
    console.log(JSON.stringify({ generation, at: utc(at), rows, ...kept }))
    return
  }
  console.log(`${what}, of ${utc(at)}`)
  for (const [table, count] of Object.entries(rows)) {
    if (count > 0) console.log(`  ${table.padEnd(20)} ${String(count).padStart(10)}`)
  }
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
      const ours = error instanceof BadBackup || error instanceof VaultError || isOfStore(error)
      if (ours || (error instanceof Error && 'syscall' in error)) throw new UsageError((error as Error).message)
      throw error
    }
  }
