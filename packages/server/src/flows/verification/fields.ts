import { Malformed } from '@vicinity/protocol'

/** The fields of a JSON object as the deployed servers read them: a missing field and null are its empty value. */
export interface Fields<Name extends string> {
  readonly text: (name: Name) => string
  readonly number: (name: Name) => number
  readonly flag: (name: Name) => boolean
  readonly list: (name: Name) => readonly unknown[]
}

/** What makes a request as long as others; it may be anything. */
const PADDING = 'padding'

/**
 * Reads an object that has no fields but `names` and padding; capital letters in names do not matter. Throws `Malformed` for
 * anything else, and each reader for a value of another kind.
 */
export function readFields<Name extends string>(json: unknown, names: readonly Name[], place = 'body'): Fields<Name> {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw new Malformed(place, 'an object')
  const values = new Map<string, unknown>()
  for (const [name, value] of Object.entries(json)) {
    const known = names.find((candidate) => candidate.toLowerCase() === name.toLowerCase())
    if (known !== undefined) values.set(known, value ?? undefined)
    else if (name.toLowerCase() !== PADDING) throw new Malformed(place, `no fields but ${names.join(', ')}`)
  }
  const reader =
    <Value>(fits: (value: unknown) => value is Value, empty: Value, kind: string) =>
    (name: Name): Value => {
      const value = values.get(name) ?? empty
      if (!fits(value)) throw new Malformed(name, kind)
      return value
    }
  return {
    text: reader((value) => typeof value === 'string', '', 'a string'),
    number: reader((value) => typeof value === 'number', 0, 'a number'),
    flag: reader((value) => typeof value === 'boolean', false, 'true or false'),
    list: reader((value): value is readonly unknown[] => Array.isArray(value), [], 'a list'),
  }
}
