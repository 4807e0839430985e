// Reads the fields of a case of vectors/*.json.
import { fromHex } from '@vicinity/protocol'

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

export class Fields {
  readonly #raw: { readonly [key: string]: Json }
  constructor(raw: Json | undefined) {
    if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) throw new TypeError('fields expected')
    this.#raw = raw as { readonly [key: string]: Json }
  }
  has(name: string): boolean {
    return Object.hasOwn(this.#raw, name)
  }
  #get(name: string): Json {
    const value = this.#raw[name]
    if (value === undefined) throw new TypeError(`field ${name} expected`)
    return value
  }
  text(name: string): string {
    const value = this.#get(name)
    if (typeof value !== 'string') throw new TypeError(`field ${name}: text expected`)
    return value
  }
  number(name: string): number {
    const value = this.#get(name)
    if (typeof value !== 'number') throw new TypeError(`field ${name}: number expected`)
    return value
  }
  numberOrNull(name: string): number | undefined {
    return this.#get(name) === null ? undefined : this.number(name)
  }
  hexOrNull(name: string): string | undefined {
    return this.#get(name) === null ? undefined : this.text(name)
  }
  bytes(name: string): Uint8Array {
    return fromHex(this.text(name), name)
  }
  /** Bytes of the wire as the number that they are. */
  uint(name: string): number {
    return Number.parseInt(this.text(name), 16)
  }
  list(name: string): readonly Json[] {
    const value = this.#get(name)
    if (!Array.isArray(value)) throw new TypeError(`field ${name}: list expected`)
    return value as readonly Json[]
  }
  entries(name: string): (readonly [string, Json])[] {
    return Object.entries(this.#get(name) ?? {})
  }
}
