// What the commands below `inspect` share: how bytes are read and fields are shown.
import { fromHex, Malformed, type UnixSeconds } from '@vicinity/protocol'
import { UsageError } from '../usage.ts'

/** What a message says, by the names of the glossary. */
export type Fields = Record<string, string | number | boolean>

export function show(fields: Fields, json: boolean | undefined): void {
  if (json) console.log(JSON.stringify(fields))
  else for (const [name, value] of Object.entries(fields)) console.log(`${name.padEnd(14)} ${value}`)
}

/** Bytes of one of the lengths given; any but none where there is no length. */
export function readHex(name: string, text: string, lengths: readonly number[]): Uint8Array {
  try {
    const bytes = fromHex(text, name)
    if (bytes.length > 0 && (lengths.length === 0 || lengths.includes(bytes.length))) return bytes
  } catch (error) {
    if (!(error instanceof Malformed)) throw error
  }
  const wanted = lengths.length === 0 ? 'an even number of' : lengths.map((length) => 2 * length).join(' or ')
  throw new UsageError(`${name} must be ${wanted} hexadecimal digits`)
}

/** ISO 8601 in UTC, without the fraction that times here do not have; beyond the years that JavaScript knows the number. */
export function utc(at: UnixSeconds): string {
  const date = new Date(at * 1000)
  return Number.isNaN(date.getTime()) ? `${at} s` : date.toISOString().replace('.000Z', 'Z')
}

export const hexOf = (value: number, bytes: number): string => value.toString(16).padStart(2 * bytes, '0')
