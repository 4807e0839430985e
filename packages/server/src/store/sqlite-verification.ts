import type { StatementSync } from 'node:sqlite'
import type { VerificationVerbs } from './verification.ts'

/** Statements of the verification server, by the name under which they are reported. */
export const VERIFICATION_SQL = {} as const

export function verificationVerbs(
  _statement: (name: keyof typeof VERIFICATION_SQL) => StatementSync,
): VerificationVerbs {
  return {}
}
