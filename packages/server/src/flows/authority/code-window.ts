import type { RequestOf, ResponseOf, UnixSeconds } from '@vicinity/protocol'
import { type Deps, Refused } from '../../deps.ts'
import type { CodeRow, Transaction } from '../../store/store.ts'
import { hashOfCode } from './code.ts'

/** The window of a code, so that the phone knows for which days to ask tokens. */
export async function codeWindow(
  deps: Deps,
  input: RequestOf<'codeWindow'>,
  at: UnixSeconds,
): Promise<ResponseOf<'codeWindow'>> {
  const { contagiousFrom, contagiousTo } = await deps.store.transaction((tx) => validCode(tx, input.code, at))
  const { tokensPerDay, tokenChunk } = deps.robert.parameters
  return { contagiousFrom, contagiousTo, tokensPerDay, chunk: tokenChunk }
}

/** The stored code; unknown and expired ones are refused alike. */
export async function validCode(tx: Transaction, code: string, at: UnixSeconds): Promise<CodeRow> {
  const row = await tx.codeOf(hashOfCode(code))
  if (row === undefined || at >= row.expires) throw new Refused('codeUnknown')
  return row
}
