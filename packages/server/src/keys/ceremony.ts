// What a ceremony does with keys. Each step is in its log before it takes effect, and can be done again: what is there stays.
import { ascii, DAY_SECONDS, type Random, toHex, type UnixSeconds } from '@vicinity/protocol'
import { sha256 } from '@vicinity/protocol/crypto'
import { SIZE } from '@vicinity/protocol/robert'
import type { AuditLog } from '../audit/log.ts'
import { type Vault, VaultError } from '../vault/vault.ts'
import { auditedKeys } from './audited-keys.ts'
import { ceremonyNames, rowOf } from './catalogue.ts'
import type { KeyFiles } from './key-files.ts'
import { nameOfData, versionsOf } from './key-ring.ts'
import type { CeremonyPlan } from './plan.ts'
import { nameOfKeyEncryption, newestKeyEncryption, plainNames, versionOf, wrappedKeys } from './wrapped-keys.ts'

export interface CeremonyWorld {
  readonly vault: Vault
  /** The key directory, as it lies there. */
  readonly files: KeyFiles
  readonly audit: AuditLog
  readonly random: Random
  readonly at: UnixSeconds
}

/** A version is one byte in what is under it. */
const LAST_VERSION = 255
/** Days that server keys exist beyond the bundle (flows/server-keys.ts). */
const SPARE_DAYS = 2

/** The audit key has to be there before anything can be logged: taken in where it lies in the open, made where there is none. */
export function auditKeyInVault(vault: Vault, files: KeyFiles): void {
  if (vault.names().includes('audit')) return
  const plain = plainNames(files).includes('audit') ? files.read('audit') : undefined
  if (plain === undefined) vault.make('audit', 'signing')
  else vault.adopt('audit', 'signing', plain)
}

/** Makes what is missing. Keys that lie in the open are taken into the vault or wrapped by it where `adopt` is; else they are refused. */
export function makeKeys(world: CeremonyWorld, plan: CeremonyPlan, { adopt }: { readonly adopt: boolean }): void {
  const { vault, files, audit, random } = world
  const plain = plainNames(files)
  if (plain.length > 0 && !adopt)
    throw new VaultError('refused', `${plain.length} keys lie in the open (${plain[0]}, …): --adopt wraps them`)
  begin(world, plan, 'init')
  for (const name of ceremonyNames(plan.exportVersions)) {
    const { lies, kind } = rowOf(name)!
    if (lies !== 'vault' || kind === 'secret' || vault.names().includes(name)) continue
    const secret = plain.includes(name) ? files.read(name) : undefined
    audit.append(secret === undefined ? 'key.made' : 'key.adopted', { name })
    if (secret === undefined) vault.make(name, kind)
    else vault.adopt(name, kind, secret)
  }
  const wrapped = wrappedKeys(files, vault)
  const audited = auditedKeys(wrapped, audit)
  for (const name of plain) {
    // What the vault has by now needs no file; the log has said that it was taken in.
    if (vault.names().includes(name)) files.remove(name)
    else audited.replace(name, files.read(name)!)
  }
  for (const name of ceremonyNames(plan.exportVersions))
    if (rowOf(name)!.lies === 'files' && !isThere(files, name)) audited.create(name, random(SIZE.key))
  for (const name of serverKeyNames(plan, world.at))
    if (!files.names().includes(name)) audited.create(name, random(SIZE.serverKey))
}

const isThere = (files: KeyFiles, name: string): boolean =>
  name === 'vault' ? versionsOf(files).length > 0 : files.names().includes(name)

const serverKeyNames = ({ bundleDays }: Pick<CeremonyPlan, 'bundleDays'>, at: UnixSeconds): readonly string[] =>
  Array.from({ length: bundleDays + SPARE_DAYS + 1 }, (_, k) => `server-key-${Math.floor(at / DAY_SECONDS) + k}`)

export const digestOfPlan = (plan: CeremonyPlan): string => toHex(sha256(ascii(JSON.stringify(plan))))

const begin = ({ audit }: CeremonyWorld, plan: CeremonyPlan, step: string): void =>
  audit.append('ceremony.begun', { step, plan: digestOfPlan(plan) })

/** Names of the keys that a back-end needs at a time and that are not there: what `vicinity keys init` would make. */
export function missingKeys(
  { vault, files, at }: Pick<CeremonyWorld, 'vault' | 'files' | 'at'>,
  plan: Pick<CeremonyPlan, 'bundleDays' | 'exportVersions'>,
): readonly string[] {
  const inVault = vault.names()
  const ofService = ceremonyNames(plan.exportVersions).filter((name) =>
    rowOf(name)!.lies === 'vault' ? !inVault.includes(name) : !isThere(files, name),
  )
  return [...ofService, ...serverKeyNames(plan, at).filter((name) => !files.names().includes(name))]
}

export interface KeyState {
  readonly name: string
  readonly purpose: string
  readonly lies: 'vault' | 'files'
  /** Unix seconds; undefined where that is not known. */
  readonly made: number | undefined
  /** When it should be replaced; undefined where nobody has to. */
  readonly due: number | undefined
  readonly state: 'ok' | 'due' | 'missing' | 'open' | 'unknown'
}

/** Every key that there is or should be. `open`: it lies in the directory as it is. `unknown`: no key of ours has that name. */
export function statusOfKeys(
  world: Pick<CeremonyWorld, 'vault' | 'files' | 'at'>,
  plan: Pick<CeremonyPlan, 'bundleDays' | 'exportVersions'>,
): readonly KeyState[] {
  const { vault, files, at } = world
  const open = new Set(plainNames(files))
  const there = (name: string, lies: 'vault' | 'files', made: number | undefined): KeyState => {
    const row = rowOf(name)
    const due = row?.dueDays === undefined || made === undefined ? undefined : made + row.dueDays * DAY_SECONDS
    const late = due !== undefined && due <= at
    const state = row === undefined ? 'unknown' : open.has(name) && lies === 'files' ? 'open' : late ? 'due' : 'ok'
    return { name, purpose: row?.purpose ?? '', lies, made, due, state }
  }
  return [
    ...vault.names().map((name) => there(name, 'vault', vault.madeAt(name))),
    ...files.names().map((name) => there(name, 'files', files.madeAt(name))),
    ...missingKeys(world, plan).map((name): KeyState => {
      const { purpose, lies } = rowOf(name)!
      return { name, purpose, lies, made: undefined, due: undefined, state: 'missing' }
    }),
  ]
}

/** What can be followed by a new version, and what has to happen then; the others say why they cannot. */
export const ROTATIONS: Readonly<Record<string, string>> = {
  data: 'every process seals new users under it within the hour; a job seals the others anew, and destroys the old one when no backup can hold a row under it',
  'key-encryption':
    'all key files are wrapped under it now; restart nothing, and destroy the old one when every process has been restarted',
  export:
    'add the version to exportVersions of the plan, give phones and importing servers its public key, then to the signers of the settings',
  reply:
    'takes effect when the back-end is restarted: a reply that waits for its acknowledgement is answered once more',
  challenge: 'takes effect when the back-end is restarted: registrations of the last five minutes begin again',
}
const NOT_ROTATED: Readonly<Record<string, string>> = {
  registration: 'phones are built with its public half: a new one is a new release of the app, and a new set-up',
  federation:
    'its holders are several countries, and lists that phones hold are made with it: it changes with the manifest of the federation',
  issuer: 'a new generation replaces it at once, with what it issued: vicinity store adopt',
  reset: 'a new generation replaces it at once, with what it issued: vicinity store adopt',
  audit: 'the log is verified under it: begin another log with another vault',
}

/** Makes the next version; its name. `version` names that of an export key. */
export function rotateKey(world: CeremonyWorld, plan: CeremonyPlan, what: string, version?: string): string {
  const { vault, files, audit, random } = world
  if (!Object.hasOwn(ROTATIONS, what))
    throw new VaultError('refused', NOT_ROTATED[what] ?? `what can be rotated is ${Object.keys(ROTATIONS).join(', ')}`)
  const keys = wrappedKeys(files, vault)
  begin(world, plan, `rotate ${what}`)
  const made = (name: string, make: () => void): string => {
    audit.append('key.made', { name })
    make()
    return name
  }
  if (what === 'data') {
    const name = nameOfData(nextAfter(Math.max(0, ...versionsOf(files))))
    return made(name, () => keys.create(name, random(SIZE.key)))
  }
  if (what === 'key-encryption') {
    const name = nameOfKeyEncryption(nextAfter(newestKeyEncryption(vault)))
    const before = files.names()
    made(name, () => vault.make(name, 'wrapping'))
    for (const file of before) {
      const bytes = keys.read(file)
      // The back-end may run: a key that it destroys must not come back.
      if (bytes !== undefined && files.names().includes(file)) keys.replace(file, bytes)
    }
    return name
  }
  if (what === 'export') {
    if (version === undefined || !/^[\w.-]{1,40}$/.test(version))
      throw new VaultError('refused', 'the key of exports needs the name of its version')
    return made(`export-key-${version}`, () => vault.make(`export-key-${version}`, 'signing'))
  }
  audit.append('key.destroyed', { name: what })
  return made(what, () => keys.replace(what, random(SIZE.key)))
}

function nextAfter(version: number): number {
  if (version >= LAST_VERSION) throw new VaultError('refused', `there are no versions after ${LAST_VERSION}`)
  return version + 1
}

/** Destroys a key for good, in the vault and among the files. Throws `absent` where there is none. */
export function destroyKey(world: CeremonyWorld, plan: CeremonyPlan, name: string): void {
  const { vault, files, audit } = world
  const [inVault, inFiles] = [vault.names().includes(name), files.names().includes(name)]
  if (!inVault && !inFiles) throw new VaultError('absent', `there is no key ${name}`)
  begin(world, plan, 'destroy')
  audit.append('key.destroyed', { name })
  if (inFiles) files.remove(name)
  if (inVault) vault.destroy(name)
}

/** How many key files cannot be read any more without a key of the vault. */
export const filesUnder = ({ files }: Pick<CeremonyWorld, 'files'>, name: string): number =>
  files.names().filter((file) => nameOfKeyEncryption(versionOf(files.read(file)!)) === name).length
