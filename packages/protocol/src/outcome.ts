/** What a step of a specification decides: a value, or one named reason for refusing. Refusals are values, never exceptions. */
export type Outcome<Value, Reason extends string> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly reason: Reason }

export const accepted = <Value>(value: Value): { readonly ok: true; readonly value: Value } => ({ ok: true, value })

export const refused = <Reason extends string>(reason: Reason): { readonly ok: false; readonly reason: Reason } => ({
  ok: false,
  reason,
})

/** Bytes from outside that cannot be parsed. `field` names the place and never quotes the content. */
export class Malformed extends Error {
  override readonly name = 'Malformed'
  readonly field: string
  constructor(field: string, expected: string) {
    super(`${field}: ${expected}`)
    this.field = field
  }
}

/** A broken promise of our own code, not of a sender. */
export function assert(condition: boolean, promise: string): asserts condition {
  if (!condition) throw new Error(`broken promise: ${promise}`)
}
