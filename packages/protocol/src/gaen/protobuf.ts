// As much of the encoding of Protocol Buffers as export files need: varints, eight bytes, and bytes with a length. Groups, which nobody
// writes any more, are refused.
import { Malformed } from '../outcome.ts'

/** How a value is encoded: the low three bits of its tag. */
export const WIRE = { varint: 0, eightBytes: 1, bytes: 2, fourBytes: 5 } as const
type Wire = (typeof WIRE)[keyof typeof WIRE]

/** A varint of 64 bits has at most so many bytes. */
const VARINT_BYTES = 10
const MOST_TAG = 2 ** 32 - 1
const LITTLE_ENDIAN = true

/** No field of a message that we read is longer. */
export const MOST_FIELD_BYTES = 4096

/**
 * Goes through the fields of a message one by one, without copying. `next` makes the next field that is complete the current one; the
 * bytes from `offset` on belong to none yet.
 */
export class FieldReader {
  readonly #bytes: Uint8Array
  readonly #end: number
  readonly #field: string
  offset: number
  /** The number of the current field. */
  number = 0
  #wire = 0
  #from = 0
  #value = 0

  /** `field` is what `Malformed` names. */
  constructor(bytes: Uint8Array, field: string, offset = 0, end = bytes.length) {
    this.#bytes = bytes
    this.#field = field
    this.offset = offset
    this.#end = end
  }

  /** False when no complete field is left. Throws `Malformed` for what can be no field, however it goes on. */
  next(): boolean {
    const tagEnd = this.#varint(this.offset)
    if (tagEnd < 0) return false
    const tag = this.#value
    const number = Math.floor(tag / 8)
    if (number === 0 || tag > MOST_TAG) throw new Malformed(this.#field, 'fields with a number')
    const end = this.#valueEnd(tag % 8, tagEnd)
    if (end < 0 || end > this.#end) return false
    this.number = number
    this.#wire = tag % 8
    this.offset = end
    return true
  }

  /** Throws `Malformed` when bytes are left that make no complete field. */
  finish(): void {
    if (this.offset !== this.#end) throw new Malformed(this.#field, 'a message that is not cut off')
  }

  /** Where the value of a field ends, which may be beyond the message; negative where its length is not complete. */
  #valueEnd(wire: number, from: number): number {
    this.#from = from
    switch (wire) {
      case WIRE.varint:
        return this.#varint(from)
      case WIRE.eightBytes:
        return from + 8
      case WIRE.fourBytes:
        return from + 4
      case WIRE.bytes: {
        const start = this.#varint(from)
        if (start < 0) return -1
        if (this.#value > MOST_FIELD_BYTES) {
          throw new Malformed(this.#field, `fields of at most ${MOST_FIELD_BYTES} bytes`)
        }
        this.#from = start
        return start + this.#value
      }
      default:
        throw new Malformed(this.#field, 'fields of a known encoding')
    }
  }

  /** Reads a varint and returns where it ends; negative when it is not complete. Above 2^53 its value is not exact. */
  #varint(from: number): number {
    let scale = 1
    this.#value = 0
    for (let k = from; k < this.#end; k++) {
      if (k === from + VARINT_BYTES) throw new Malformed(this.#field, `numbers of at most ${VARINT_BYTES} bytes`)
      const byte = this.#bytes[k]!
      this.#value += (byte & 0x7f) * scale
      if (byte < 0x80) return k + 1
      scale *= 128
    }
    return -1
  }

  #expect(wire: Wire): void {
    if (this.#wire !== wire) throw new Malformed(this.#field, `field ${this.number} in its own encoding`)
  }

  /** The current field as a whole number. A negative one has its sign in the 64th bit and is above every `most`. */
  integer(field: string, least: number, most: number): number {
    this.#expect(WIRE.varint)
    if (this.#value < least || this.#value > most) throw new Malformed(field, `a number from ${least} to ${most}`)
    return this.#value
  }

  /** As `integer`, of a field whose sign is in the lowest bit (sint32). */
  signed(field: string, least: number, most: number): number {
    this.#expect(WIRE.varint)
    const value = this.#value % 2 === 0 ? this.#value / 2 : -(this.#value + 1) / 2
    if (value < least || value > most) throw new Malformed(field, `a number from ${least} to ${most}`)
    return value
  }

  /** As `integer`, of eight bytes. */
  eightBytes(field: string, most: number): number {
    this.#expect(WIRE.eightBytes)
    const view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset + this.#from, 8)
    const value = view.getUint32(4, LITTLE_ENDIAN) * 2 ** 32 + view.getUint32(0, LITTLE_ENDIAN)
    if (value > most) throw new Malformed(field, `a number up to ${most}`)
    return value
  }

  /** A view of the bytes of the current field. */
  bytes(): Uint8Array {
    this.#expect(WIRE.bytes)
    return this.#bytes.subarray(this.#from, this.offset)
  }

  /** The current field as a message of its own; `field` is what `Malformed` names. */
  message(field: string): FieldReader {
    this.#expect(WIRE.bytes)
    return new FieldReader(this.#bytes, field, this.#from, this.offset)
  }

  /** The current field as text: at most `most` printable ASCII characters, so that it can be shown as it is. */
  text(field: string, most: number): string {
    const bytes = this.bytes()
    const printable = bytes.every((byte) => byte >= 0x20 && byte < 0x7f)
    if (!printable || bytes.length > most) throw new Malformed(field, `at most ${most} printable ASCII characters`)
    return String.fromCharCode(...bytes)
  }
}

/** Writes the fields of a message, in the order of the calls. */
export class FieldWriter {
  #bytes: Uint8Array
  #length = 0

  /** `room`: bytes to begin with. */
  constructor(room = 64) {
    this.#bytes = new Uint8Array(room)
  }

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  clear(): void {
    this.#length = 0
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return
    const grown = new Uint8Array(2 * (this.#length + more))
    grown.set(this.#bytes)
    this.#bytes = grown
  }

  #varint(value: number): void {
    let rest = value
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest & 0x7f) | 0x80
      rest = Math.floor(rest / 128)
    }
    this.#bytes[this.#length++] = rest
  }

  /** A whole number from 0 to 2^53 - 1. */
  integer(number: number, value: number): this {
    this.#reserve(2 * VARINT_BYTES)
    this.#varint(8 * number + WIRE.varint)
    this.#varint(value)
    return this
  }

  /** A whole number with its sign in the lowest bit (sint32). */
  signed(number: number, value: number): this {
    return this.integer(number, value < 0 ? -2 * value - 1 : 2 * value)
  }

  /** A whole number from 0 to 2^53 - 1 in eight bytes. */
  eightBytes(number: number, value: number): this {
    this.#reserve(VARINT_BYTES + 8)
    this.#varint(8 * number + WIRE.eightBytes)
    const view = new DataView(this.#bytes.buffer, this.#length, 8)
    view.setUint32(0, value % 2 ** 32, LITTLE_ENDIAN)
    view.setUint32(4, Math.floor(value / 2 ** 32), LITTLE_ENDIAN)
    this.#length += 8
    return this
  }

  bytesOf(number: number, value: Uint8Array): this {
    this.#reserve(2 * VARINT_BYTES + value.length)
    this.#varint(8 * number + WIRE.bytes)
    this.#varint(value.length)
    return this.put(value)
  }

  /** Bytes as they are, such as fields that were written before. */
  put(value: Uint8Array): this {
    this.#reserve(value.length)
    this.#bytes.set(value, this.#length)
    this.#length += value.length
    return this
  }
}
