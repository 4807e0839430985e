import {
  concat,
  dayOf,
  issuerDayKey,
  Malformed,
  type RequestOf,
  type ResponseOf,
  respondToken,
  type UnixSeconds,
} from '@vicinity/protocol'
import { sha256 } from '@vicinity/protocol/crypto'
import { type Deps, Refused } from '../../deps.ts'
import { hashOfCode } from './code.ts'
import { validCode } from './code-window.ts'

/**
 * Tokens for one chunk of one contact day: as many for everybody, whatever was met. A chunk is bound to its first requests;
 * the same requests again get the same responses, others are refused.
 */
export async function redeemCode(
  deps: Deps,
  input: RequestOf<'redeemCode'>,
  at: UnixSeconds,
): Promise<ResponseOf<'redeemCode'>> {
  const { tokensPerDay, tokenChunk } = deps.robert.parameters
  const wanted = Math.min(tokenChunk, tokensPerDay - input.chunk * tokenChunk)
  if (wanted <= 0) throw new Malformed('chunk', `below ${Math.ceil(tokensPerDay / tokenChunk)}`)
  if (input.requests.length !== wanted) throw new Malformed('requests', `exactly ${wanted}`)
  await deps.store.transaction(async (tx) => {
    const code = await validCode(tx, input.code, at)
    if (input.day < dayOf(code.contagiousFrom) || input.day > dayOf(code.contagiousTo))
      throw new Refused('dayOutsideWindow')
    const digest = sha256(concat(...input.requests))
    if (!(await tx.bindChunk(hashOfCode(input.code), input.day, input.chunk, digest))) throw new Refused('chunkTaken')
  })
  const dayKey = issuerDayKey(deps.keys.issuerKey, input.day)
  deps.count('token.issued', input.requests.length)
  return { responses: input.requests.map((request) => respondToken(dayKey, request)) }
}
