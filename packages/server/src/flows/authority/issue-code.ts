import { DAY_SECONDS, later, Malformed, type RequestOf, type ResponseOf, type UnixSeconds } from '@vicinity/protocol'
import type { Deps } from '../../deps.ts'
import { hashOfCode, spellCode } from './code.ts'

/** A code for one diagnosed person (ROBERT §6.1): the authority gives it, with the contagious window it stands for. */
export async function issueCode(
  deps: Deps,
  input: RequestOf<'issueCode'>,
  at: UnixSeconds,
): Promise<ResponseOf<'issueCode'>> {
  const { contagiousDays, codeDays } = deps.robert.parameters
  const { contagiousFrom, contagiousTo } = input
  if (contagiousTo <= contagiousFrom) throw new Malformed('contagiousTo', 'later than contagiousFrom')
  if (contagiousTo > later(at, DAY_SECONDS)) throw new Malformed('contagiousTo', 'not in the future')
  if (contagiousTo - contagiousFrom > contagiousDays * DAY_SECONDS) {
    throw new Malformed('contagiousFrom', `at most ${contagiousDays} days before contagiousTo`)
  }
  const code = spellCode(deps.random)
  const expires = later(at, codeDays * DAY_SECONDS)
  deps.audit.issuing()
  await deps.store.transaction((tx) => tx.addCode({ hash: hashOfCode(code), contagiousFrom, contagiousTo, expires }))
  deps.audit.issued('codes')
  deps.count('code.issued')
  return { code, expires }
}
