import { ascii, concat, type Random, Writer } from '@vicinity/protocol'
import { sha256 } from '@vicinity/protocol/crypto'

/** Random bytes that a name fixes. */
export function randomOf(name: string): Random {
  let counter = 0
  return (length) => {
    const blocks = Array.from({ length: Math.ceil(length / 32) }, () =>
      sha256(concat(ascii(name), new Writer(6).uint(6, counter++).bytes)),
    )
    return new Uint8Array(concat(...blocks).subarray(0, length))
  }
}
