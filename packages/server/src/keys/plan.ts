// The one file that a ceremony is driven by: several people read it before, and nothing is asked for while it runs.
import { Malformed } from '@vicinity/protocol'
import { ceremonyNames, rowOf } from './catalogue.ts'

export interface CeremonyPlan {
  /** What the transcript calls the service. */
  readonly service: string
  /** Address of the vault, as `placeOfVault` reads it. */
  readonly vault: string
  /** The key directory. */
  readonly keys: string
  /** The log of ceremonies: of its own, because a back-end that runs has its log for itself. */
  readonly audit: string
  readonly bundleDays: number
  /** Versions of the keys that sign exports. */
  readonly exportVersions: readonly string[]
  /** Names of all keys that the ceremony makes. */
  readonly make: readonly string[]
  readonly shares: { readonly needed: number; readonly holders: readonly string[] }
}

const NAME = /^[\w.-]{1,40}$/
const isText = (value: unknown): value is string => typeof value === 'string' && /^[\x20-\x7e]{1,300}$/.test(value)
const isNumber = (value: unknown, least: number, most: number): value is number =>
  Number.isInteger(value) && (value as number) >= least && (value as number) <= most
const isNames = (value: unknown, most: number): value is readonly string[] =>
  Array.isArray(value) &&
  value.length <= most &&
  new Set(value).size === value.length &&
  value.every((name) => typeof name === 'string' && NAME.test(name))

const FIELDS: { readonly [Field in keyof CeremonyPlan]: readonly [(value: unknown) => boolean, string] } = {
  service: [isText, 'a line of ASCII'],
  vault: [isText, 'the address of a vault'],
  keys: [isText, 'a directory'],
  audit: [isText, 'a file'],
  bundleDays: [(value) => isNumber(value, 0, 30), 'a whole number of days, 0 to 30'],
  exportVersions: [(value) => isNames(value, 10), 'at most 10 different names'],
  make: [(value) => isNames(value, 60), 'different names of keys'],
  shares: [(value) => typeof value === 'object' && value !== null, 'an object'],
}

/** Throws `Malformed`: for JSON of another shape, for an unknown field, and for keys that are not all that a service needs. */
export function readPlan(text: string): CeremonyPlan {
  let read: Readonly<Record<string, unknown>>
  try {
    read = JSON.parse(text)
  } catch {
    throw new Malformed('plan', 'JSON')
  }
  onlyFields(read, 'plan', Object.keys(FIELDS))
  for (const [field, [fits, wanted]] of Object.entries(FIELDS))
    if (!fits(read[field])) throw new Malformed(`plan.${field}`, wanted)
  const plan = read as unknown as CeremonyPlan
  checkShares(plan.shares)
  const wanted = ceremonyNames(plan.exportVersions)
  const unknown = plan.make.find((name) => !wanted.includes(name))
  if (unknown !== undefined)
    throw new Malformed(
      'plan.make',
      rowOf(unknown) === undefined ? `no key ${unknown}` : `not ${unknown}, which the plan does not ask for`,
    )
  const absent = wanted.find((name) => !plan.make.includes(name))
  if (absent !== undefined) throw new Malformed('plan.make', `also ${absent}`)
  return plan
}

function checkShares(shares: CeremonyPlan['shares']): void {
  onlyFields(shares as never, 'plan.shares', ['needed', 'holders'])
  if (!isNames(shares.holders, 255) || shares.holders.length < 2)
    throw new Malformed('plan.shares.holders', 'two different names or more')
  if (!isNumber(shares.needed, 2, shares.holders.length))
    throw new Malformed('plan.shares.needed', 'a whole number from 2 to that of the holders')
}

function onlyFields(value: unknown, where: string, fields: readonly string[]): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Malformed(where, 'an object')
  const unknown = Object.keys(value).find((name) => !fields.includes(name))
  if (unknown !== undefined) throw new Malformed(`${where}.${unknown}`, `nothing: the fields are ${fields.join(', ')}`)
}
