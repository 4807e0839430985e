// States as JSON, for hosts to store.
import { fromBase64url, toBase64url } from '@vicinity/protocol'

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json }

/** JSON has neither byte strings nor undefined: {"base64url": …} and null stand for them; the state holds neither itself. */
export function toJson(value: unknown): Json {
  if (value === undefined) return null
  if (value instanceof Uint8Array) return { base64url: toBase64url(value) }
  if (Array.isArray(value)) return value.map(toJson)
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, inside]) => [name, toJson(inside)]))
  }
  return value as Json
}

export function fromJson(json: unknown): unknown {
  if (json === null) return undefined
  if (Array.isArray(json)) return json.map(fromJson)
  if (typeof json !== 'object') return json
  const { base64url } = json as { readonly base64url?: unknown }
  if (typeof base64url === 'string') return fromBase64url(base64url, 'snapshot')
  return Object.fromEntries(Object.entries(json as object).map(([name, inside]) => [name, fromJson(inside)]))
}
