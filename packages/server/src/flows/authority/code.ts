import { ascii, type Random } from '@vicinity/protocol'
import { sha256 } from '@vicinity/protocol/crypto'

// Crockford's base 32: no I, L, O, U, so a code can be read out.
const LETTERS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** 80 random bits in four groups of four letters. */
export function spellCode(random: Random): string {
  const letters = Array.from(random(16), (byte) => LETTERS[byte % 32])
  return [0, 4, 8, 12].map((from) => letters.slice(from, from + 4).join('')).join('-')
}

/** What is stored of a code. Case, dashes and the letters that look alike do not matter. */
export function hashOfCode(code: string): Uint8Array {
  const plain = code.toUpperCase().replaceAll('-', '').replaceAll('O', '0').replaceAll(/[IL]/g, '1')
  return sha256(ascii(`code ${plain}`))
}
