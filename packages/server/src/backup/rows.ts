// Rows as bytes. A number is 8 bytes, bytes and text are a length of 4 and themselves; null is NaN, or the length that nothing has.
import type { Kind, Row, Value } from './tables.ts'

const NO_LENGTH = 0xff_ff_ff_ff

export function encodeRow(kinds: readonly Kind[], row: Row): Buffer {
  const parts = kinds.map((kind, k): readonly [Kind, Value | Buffer] => {
    const value = row[k] ?? null
    return [kind, kind === 'number' || value === null ? value : Buffer.from(value as string)]
  })
  const size = parts.reduce((sum, [kind, value]) => sum + (kind === 'number' ? 8 : 4 + lengthOf(value)), 0)
  const bytes = Buffer.allocUnsafe(size)
  let at = 0
  for (const [kind, value] of parts) {
    if (kind === 'number') {
      at = bytes.writeDoubleBE(value === null ? Number.NaN : (value as number), at)
      continue
    }
    at = bytes.writeUInt32BE(value === null ? NO_LENGTH : lengthOf(value), at)
    if (value !== null) at += (value as Buffer).copy(bytes, at)
  }
  return bytes
}

const lengthOf = (value: unknown): number => (value as Buffer | null)?.length ?? 0

/** Rows of a chunk. Throws `RangeError` where the bytes end within one. */
export function* decodeRows(kinds: readonly Kind[], bytes: Buffer): Generator<Row> {
  let at = 0
  const next = (kind: Kind): Value => {
    if (kind === 'number') {
      const number = bytes.readDoubleBE(at)
      at += 8
      return Number.isNaN(number) ? null : number
    }
    const length = bytes.readUInt32BE(at)
    at += 4
    if (length === NO_LENGTH) return null
    if (at + length > bytes.length) throw new RangeError('a value is cut short')
    const value = bytes.subarray(at, at + length)
    at += length
    return kind === 'text' ? value.toString() : Uint8Array.from(value)
  }
  while (at < bytes.length) yield kinds.map(next)
}
