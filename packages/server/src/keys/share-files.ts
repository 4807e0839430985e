// Shares of keys as texts that keepers hold: each with a checksum, so that a slip of a pen is seen before it makes another key.
import { ascii, fromHex, Malformed, toHex } from '@vicinity/protocol'
import { sha256 } from '@vicinity/protocol/crypto'
import { SIZE } from '@vicinity/protocol/robert'
import { VaultError } from '../vault/vault.ts'
import { auditedKeys } from './audited-keys.ts'
import { rowOf } from './catalogue.ts'
import type { CeremonyWorld } from './ceremony.ts'
import type { CeremonyPlan } from './plan.ts'
import { combineShares, splitSecret } from './shares.ts'
import { wrappedKeys } from './wrapped-keys.ts'

export interface ShareFile {
  readonly holder: string
  readonly text: string
}

interface ShareLine {
  readonly service: string
  readonly key: string
  /** Names the sharing: shares of two do not fit together. */
  readonly set: string
  readonly needed: number
  readonly x: number
  readonly y: string
}

const FIELDS = ['service', 'key', 'set', 'needed', 'x', 'y'] as const
const CHECK_BYTES = 8

const encode = (share: ShareLine): string => {
  const lines = FIELDS.map((field) => `${field}: ${share[field]}`).join('\n')
  return `vicinity share of a key 1\n${lines}\ncheck: ${checkOf(lines)}\n`
}
const checkOf = (lines: string): string => toHex(sha256(ascii(lines)).subarray(0, CHECK_BYTES))

function decode(text: string): ShareLine {
  const lines = text.trim().split(/\r?\n/)
  const values = Object.fromEntries(lines.slice(1).map((line) => line.split(/: (.*)/s).slice(0, 2)))
  const share = { ...values, needed: Number(values['needed']), x: Number(values['x']) } as unknown as ShareLine
  if (encode(share).trim() !== lines.join('\n'))
    throw new Malformed('share', 'a share as it was written: its checksum differs')
  return share
}

/** Shares of a key for the holders of the plan. Throws `refused` for a key that may not be copied. */
export function sharesOfKey(world: CeremonyWorld, plan: CeremonyPlan, key: string): readonly ShareFile[] {
  const row = rowOf(key)
  if (row === undefined) throw new VaultError('refused', `there is no key ${key}`)
  if (row.lies === 'vault')
    throw new VaultError(
      'refused',
      `${key} lies in the vault and never leaves it: copy the token by the means of its maker`,
    )
  if (!row.escrow)
    throw new VaultError('refused', `${key} is never copied: it lives for ${row.life}, and has to end with that`)
  const secret = wrappedKeys(world.files, world.vault).read(key)
  if (secret === undefined) throw new VaultError('absent', `there is no key ${key}`)
  const { needed, holders } = plan.shares
  world.audit.append('shares.made', { name: key, needed, count: holders.length })
  const set = toHex(world.random(8))
  const shares = splitSecret(secret, needed, holders.length, world.random)
  return shares.map(({ x, y }, k) => ({
    holder: holders[k]!,
    text: encode({ service: plan.service, key, set, needed, x, y: toHex(y) }),
  }))
}

/** Gives a key back from shares; its name. Throws `refused` where there is one of that name, or the shares do not fit or suffice. */
export function keyFromShares(world: CeremonyWorld, plan: CeremonyPlan, texts: readonly string[]): string {
  const shares = texts.map(decode)
  const first = shares[0]
  if (first === undefined) throw new VaultError('refused', 'there is no share')
  const { service, key, set, needed } = first
  if (shares.some((share) => share.set !== set || share.key !== key || share.needed !== needed))
    throw new VaultError('refused', 'the shares are not of one sharing')
  if (service !== plan.service) throw new VaultError('refused', 'the shares are of another service')
  if (new Set(shares.map(({ x }) => x)).size !== shares.length)
    throw new VaultError('refused', 'a share is given twice')
  if (shares.length < needed)
    throw new VaultError('refused', `${needed} shares are needed, and there are ${shares.length}`)
  if (rowOf(key)?.escrow !== true) throw new VaultError('refused', `${key} is never copied`)
  const secret = combineShares(shares.map(({ x, y }) => ({ x, y: fromHex(y, 'share') })))
  if (secret.length !== SIZE.key) throw new VaultError('refused', 'the shares are not of a key')
  if (world.files.names().includes(key)) throw new VaultError('refused', `there is a key ${key} already`)
  world.audit.append('shares.combined', { name: key })
  auditedKeys(wrappedKeys(world.files, world.vault), world.audit).create(key, secret)
  secret.fill(0)
  return key
}
