import { DAY_SECONDS, later, type Random, toHex, type UnixSeconds } from '@vicinity/protocol'
import { drawPrivateKey, publicPoint, sha256 } from '@vicinity/protocol/crypto'
import { generationOf, privateKeyInGeneration } from './generation.ts'
import type { KeyFiles } from './key-files.ts'

/** Keys of 32 bytes that are followed by the next after some days. */
const FAMILIES = {
  /** Sign verification certificates; key servers know their public halves. */
  certificate: { days: 30, overlapDays: 1.5 },
  /** Sign the tokens between a code and its certificate, which live for a day. */
  token: { days: 30, overlapDays: 1.5 },
  /** HMAC keys of codes, handles and phone numbers, the longest of which are remembered for 30 days. */
  code: { days: 60, overlapDays: 31 },
  /** Seal the revision tokens of the key server, which hold for as long as a key may be published. */
  revision: { days: 15, overlapDays: 15 },
} as const
export type KeyFamily = keyof typeof FAMILIES

/** A key is made so long before it is used, so that whoever fetches public keys now and then knows it by then. */
const AHEAD_DAYS = 1

export interface RotatingKey {
  /** Names the period and, should a key be lost and made anew, the key. */
  readonly kid: string
  readonly secret: Uint8Array
  /** Its public half, 65 bytes. */
  readonly point: Uint8Array
}

export interface RotatingKeys {
  /** The key in use at a time; made when there is none. */
  readonly current: (family: KeyFamily, at: UnixSeconds) => RotatingKey
  /** What is taken at a time: the current key, then the one before while it overlaps, then the next once it is made. */
  readonly accepted: (family: KeyFamily, at: UnixSeconds) => readonly RotatingKey[]
  /** Makes the keys of the coming day and destroys those that are no longer taken. */
  readonly rotate: (at: UnixSeconds) => void
  /** Erases from memory what another process of this back-end has destroyed. */
  readonly learn: () => void
}

export function rotatingKeys(files: KeyFiles, random: Random): RotatingKeys {
  const known = new Map<string, RotatingKey>()
  const generation = generationOf(files)
  const nameOf = (family: KeyFamily, period: number) => `${family}-${period}`

  const remember = (name: string, period: number, secret: Uint8Array): RotatingKey => {
    const point = publicPoint(secret)
    const key = { kid: `v${period}-${toHex(sha256(point).subarray(0, 4))}`, secret, point }
    known.set(name, key)
    return key
  }
  // What a token stands for is in the database: after a restore nobody knows which were used. The others stand for themselves.
  const inGeneration = (family: KeyFamily, secret: Uint8Array) =>
    family === 'token' ? privateKeyInGeneration(secret, generation) : secret

  const find = (family: KeyFamily, period: number): RotatingKey | undefined => {
    const name = nameOf(family, period)
    const secret = known.has(name) ? undefined : files.read(name)
    return secret === undefined ? known.get(name) : remember(name, period, inGeneration(family, secret))
  }
  const make = (family: KeyFamily, period: number): RotatingKey => {
    const name = nameOf(family, period)
    const made = () => inGeneration(family, files.create(name, drawPrivateKey(random)))
    return find(family, period) ?? remember(name, period, made())
  }

  const forget = (name: string) => {
    known.get(name)?.secret.fill(0)
    known.delete(name)
  }

  return {
    current: (family, at) => make(family, periodAt(family, at)),
    accepted(family, at) {
      const period = periodAt(family, at)
      const before = find(family, oldestPeriod(family, at))
      const next = find(family, period + 1)
      const current = make(family, period)
      return [...new Set([current, before, next])].filter((key) => key !== undefined)
    },
    rotate(at) {
      for (const family of Object.keys(FAMILIES) as KeyFamily[]) {
        make(family, periodAt(family, later(at, AHEAD_DAYS * DAY_SECONDS)))
        const oldest = oldestPeriod(family, at)
        const numbers = new RegExp(`^${family}-(\\d+)$`)
        for (const name of files.names()) {
          const period = numbers.exec(name)?.[1]
          if (period === undefined || Number(period) >= oldest) continue
          files.remove(name)
          forget(name)
        }
      }
    },
    learn() {
      const names = new Set(files.names())
      for (const name of known.keys()) if (!names.has(name)) forget(name)
    },
  }
}

const periodAt = (family: KeyFamily, at: number): number => Math.floor(at / (FAMILIES[family].days * DAY_SECONDS))

const oldestPeriod = (family: KeyFamily, at: number): number =>
  periodAt(family, at - FAMILIES[family].overlapDays * DAY_SECONDS)
