// `vicinity keys`: the ceremony of keys, driven by one file that was read before.
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Malformed, toHex, type UnixSeconds } from '@vicinity/protocol'
import { sha256 } from '@vicinity/protocol/crypto'
import {
  type AuditLog,
  auditFiles,
  auditKeyInVault,
  auditSigner,
  type CeremonyPlan,
  type CeremonyWorld,
  destroyKey,
  digestOfPlan,
  directoryKeys,
  escrowNames,
  filesUnder,
  type KeyFiles,
  keyFromShares,
  makeKeys,
  makeSealedFile,
  memoryAppendable,
  memoryKeys,
  NO_AUDIT,
  openAudit,
  openVault,
  placeOfVault,
  ROTATIONS,
  readPlan,
  rotateKey,
  rowOf,
  sharesOfKey,
  softwareVault,
  statusOfKeys,
  type Vault,
  VaultError,
  wallClock,
} from '@vicinity/server'
import { Command } from 'commander'
import { utc } from './inspect/fields.ts'
import { UsageError } from './usage.ts'
import { secretOf, VAULT_ENVIRONMENT } from './vault.ts'

interface KeysOptions {
  readonly plan: string
  readonly dryRun?: boolean
  readonly adopt?: boolean
  readonly json?: boolean
  readonly named?: string
  readonly out?: string
}

export function keysCommand(): Command {
  const keys = new Command('keys').description('The ceremony of keys: make, watch, replace, split and destroy them')
  stepOf(keys, 'init')
    .description('Make the keys of a service that are missing, and K_S for the bundle and two days more')
    .option('--adopt', 'take in keys that lie in the open: into the vault, or wrapped by it')
    .option('--dry-run', 'rehearse it in memory: nothing is written, and the keys are thrown away')
    .action(
      step((world, plan, { adopt = false, dryRun }) => {
        makeKeys(world, plan, { adopt })
        console.log(transcriptOf(world, plan, dryRun === true))
      }, makeVault),
    )
  stepOf(keys, 'status')
    .description('Names, ages, when each is due, and what is missing; ends with 1 when something has to be done')
    .option('--json', 'one line of JSON')
    .action(step((world, plan, { json }) => showStatus(world, plan, json === true)))
  stepOf(keys, 'rotate')
    .description('Make the next version of a key')
    .argument('<what>', Object.keys(ROTATIONS).join(', '))
    .option('--named <version>', 'version of the key that signs exports')
    .action(
      named((what) => (world, plan, { named }) => {
        const name = rotateKey(world, plan, what, named)
        console.log(`${name} is there: ${ROTATIONS[what]}`)
        if (rowOf(name)?.kind === 'signing') console.log(`  public key  ${toHex(world.vault.publicPoint(name))}`)
      }),
    )
  stepOf(keys, 'destroy')
    .description('Destroy a key for good; asks for its name once more')
    .argument('<name>', 'as vicinity keys status shows it')
    .action(named((name) => (world, plan) => confirmAndDestroy(world, plan, name)))
  stepOf(keys, 'export-shares')
    .description('Split a key into shares for the holders of the plan')
    .argument('<name>', 'a key that may be split')
    .requiredOption('--out <directory>', 'a file for each holder, which is to be given away and deleted')
    .action(
      named(
        (name) =>
          (world, plan, { out }) =>
            writeShares(world, plan, name, out!),
      ),
    )
  stepOf(keys, 'combine-shares')
    .description('Give a key back from shares, into the key directory')
    .argument('<files...>', 'shares, as many as are needed')
    .action((files: readonly string[], options: KeysOptions) =>
      step((world, plan) => {
        const name = keyFromShares(
          world,
          plan,
          files.map((file) => readFileSync(file, 'utf8')),
        )
        console.log(`${name} is there again: restart the back-end`)
      })(options),
    )
  return keys
}

const stepOf = (keys: Command, name: string): Command =>
  keys
    .command(name)
    .requiredOption('--plan <file>', 'JSON: service, vault, keys, audit, bundleDays, exportVersions, make, shares')
    .addHelpText('after', `\nSecrets in the environment:${VAULT_ENVIRONMENT}`)

type Step = (world: CeremonyWorld, plan: CeremonyPlan, options: KeysOptions) => void | Promise<void>

const named =
  (stepFor: (name: string) => Step) =>
  (name: string, options: KeysOptions): Promise<void> =>
    step(stepFor(name))(options)

/** Runs a step in the world of the plan, and tells what whoever runs it can mend. */
function step(run: Step, open: (plan: CeremonyPlan) => Vault = vaultOf) {
  return async (options: KeysOptions): Promise<void> => {
    try {
      const plan = readPlan(readFileSync(options.plan, 'utf8'))
      const { world, close } = options.dryRun ? rehearsal(plan) : worldOf(plan, open(plan))
      try {
        await run(world, plan, options)
      } finally {
        close()
      }
    } catch (error) {
      const ours = error instanceof VaultError || error instanceof Malformed
      if (ours || (error instanceof Error && 'code' in error)) throw new UsageError((error as Error).message)
      throw error
    }
  }
}

const tools = { random: randomBytes, now: wallClock }

function vaultOf(plan: CeremonyPlan): Vault {
  const place = placeOfVault(plan.vault)
  return openVault(place, { ...tools, secret: secretOf(place) })
}

/** A token is made ready by the means of its maker; a file is made here. */
function makeVault(plan: CeremonyPlan): Vault {
  const place = placeOfVault(plan.vault)
  if (place.kind === 'file' && !existsSync(place.path)) makeSealedFile(place.path, secretOf(place), randomBytes)
  return vaultOf(plan)
}

interface Opened {
  readonly world: CeremonyWorld
  readonly close: () => void
}

function worldOf(plan: CeremonyPlan, vault: Vault): Opened {
  const files = directoryKeys(plan.keys)
  // Opened by the first thing that is said: who only looks leaves no entry, and makes no key.
  let log: AuditLog | undefined
  const append: AuditLog['append'] = (act, details) => {
    if (log === undefined) auditKeyInVault(vault, files)
    log ??= openLog(plan, vault, auditFiles(plan.audit))
    log.append(act, details)
  }
  return opened(vault, files, { ...NO_AUDIT, append })
}

/** All in memory: what the ceremony would do on a clean machine. */
function rehearsal(plan: CeremonyPlan): Opened {
  const vault = softwareVault(memoryKeys(), randomBytes)
  vault.make('audit', 'signing')
  return opened(vault, memoryKeys(), openLog(plan, vault, { log: memoryAppendable(), heads: memoryAppendable() }))
}

const openLog = (plan: CeremonyPlan, vault: Vault, files: ReturnType<typeof auditFiles>): AuditLog =>
  openAudit({ files, signer: auditSigner(vault), now: wallClock, parameters: JSON.stringify(plan) })

const opened = (vault: Vault, files: KeyFiles, audit: AuditLog): Opened => ({
  world: { vault, files, audit, random: randomBytes, at: wallClock() },
  close: vault.close,
})

/** Everything that witnesses sign: public keys and names, never a secret. */
function transcriptOf({ vault, files, at }: CeremonyWorld, plan: CeremonyPlan, rehearsed: boolean): string {
  const points = vault.names().filter((name) => rowOf(name)?.kind === 'agreement' || rowOf(name)?.kind === 'signing')
  return [
    `Keys of ${plan.service}, ${utc(at)}${rehearsed ? ' (a rehearsal: these keys were thrown away)' : ''}`,
    `  plan    SHA-256 ${digestOfPlan(plan)}`,
    `  vault   ${plan.vault}`,
    `  keys    ${plan.keys}`,
    ...[...points].sort().flatMap((name) => {
      const point = vault.publicPoint(name)
      return [`  ${name}`, `    public key   ${toHex(point)}`, `    fingerprint  ${toHex(sha256(point))}`]
    }),
    `  in the vault  ${[...vault.names()].sort().join(', ')}`,
    `  wrapped       ${[...files.names()].sort().join(', ')}`,
    `  may be split into ${plan.shares.needed} of ${plan.shares.holders.length} shares: ${escrowNames([...files.names()].sort()).join(', ')}`,
  ].join('\n')
}

function showStatus(world: CeremonyWorld, plan: CeremonyPlan, json: boolean): void {
  const states = statusOfKeys(world, plan)
  const toDo = states.filter(({ state }) => state !== 'ok')
  const date = (seconds: number | undefined) => (seconds === undefined ? '-' : utc(seconds as UnixSeconds).slice(0, 10))
  if (json) console.log(JSON.stringify({ ok: toDo.length === 0, keys: states }))
  else
    for (const { name, state, lies, made, due, purpose } of states)
      console.log(
        [name.padEnd(20), state.padEnd(8), lies.padEnd(6), date(made).padEnd(10), date(due).padEnd(10), purpose].join(
          '  ',
        ),
      )
  if (toDo.length > 0) process.exitCode = 1
}

async function confirmAndDestroy(world: CeremonyWorld, plan: CeremonyPlan, name: string): Promise<void> {
  const files = filesUnder(world, name)
  console.error(`${name}: ${rowOf(name)?.purpose ?? 'no key of ours has this name'}`)
  if (files > 0) console.error(`${files} key files are wrapped by it: nobody can read them afterwards`)
  console.error('Type its name once more to destroy it for good:')
  const typed = await firstLine()
  if (typed !== name) throw new UsageError('another name: nothing was destroyed')
  destroyKey(world, plan, name)
  console.log(`${name} is destroyed`)
}

/** The first line that is typed; none where nobody types. */
async function firstLine(): Promise<string | undefined> {
  for await (const line of createInterface({ input: process.stdin })) return line
  return undefined
}

function writeShares(world: CeremonyWorld, plan: CeremonyPlan, name: string, out: string): void {
  const shares = sharesOfKey(world, plan, name)
  mkdirSync(out, { recursive: true, mode: 0o700 })
  for (const { holder, text } of shares) {
    const path = join(out, `${name}.${holder}.share`)
    writeFileSync(path, text, { mode: 0o600, flag: 'wx' })
    console.log(path)
  }
  console.log(
    `${plan.shares.needed} of these ${shares.length} give ${name} back; give each to its holder, and delete it here`,
  )
}
