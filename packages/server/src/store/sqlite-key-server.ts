import type { StatementSync } from 'node:sqlite'
import type { KeyServerVerbs } from './key-server.ts'

/** Statements of the key server, by the name under which they are reported. */
export const KEY_SERVER_SQL = {} as const

export function keyServerVerbs(_statement: (name: keyof typeof KEY_SERVER_SQL) => StatementSync): KeyServerVerbs {
  return {}
}
