// In the page: the kernels, with bytes as hexadecimal text.
import { fromHex, toHex } from '../../packages/protocol/src/bytes.ts'
import { hmac12, hmac12OfRows, midstates, wipeHmac } from '../../packages/protocol/src/kernels/hmac.ts'
import {
  eraseKey,
  type SkinnyKey,
  skinnyDecrypt,
  skinnyEncrypt,
  skinnyKey,
} from '../../packages/protocol/src/kernels/skinny.ts'

interface Blocks {
  readonly key: string
  readonly plain: string
}

interface Messages {
  readonly keys: string
  /** In rows of 12 bytes. */
  readonly messages: string
  /** Which key each message has in `macsOfRows`. */
  readonly rows: readonly number[]
}

/** All keys are ready until the last block is decrypted; then each is erased and used once more. */
function encryptAndDecrypt(given: readonly Blocks[]) {
  const keys = given.map(({ key }) => skinnyKey(fromHex(key)))
  const blocks = given.map(({ plain }) => fromHex(plain))
  const inPlace = (run: typeof skinnyEncrypt) =>
    keys.map((key, k) => {
      run(key, blocks[k]!)
      return toHex(blocks[k]!)
    })
  const [ciphers, plains] = [inPlace(skinnyEncrypt), inPlace(skinnyDecrypt)]
  return keys.map((key, k) => {
    eraseKey(key)
    return { cipher: ciphers[k]!, plain: plains[k]!, refused: refusals(key, blocks[k]!) }
  })
}

/** What a key answers that must not do anything any more. */
function refusals(key: SkinnyKey, blocks: Uint8Array): readonly string[] {
  return [skinnyEncrypt, skinnyDecrypt].map((run) => {
    const before = toHex(blocks)
    try {
      run(key, blocks)
    } catch (error) {
      return toHex(blocks) === before ? String(error) : 'the blocks have changed'
    }
    return 'none'
  })
}

function macs({ keys, messages, rows }: Messages) {
  const [table, texts] = [fromHex(keys), fromHex(messages)]
  const states = midstates(table)
  wipeHmac()
  const chosen = toHex(hmac12OfRows(states, Int32Array.from(rows), texts))
  wipeHmac()
  return { macs: toHex(hmac12(table, texts)), macsOfRows: chosen, midstates: toHex(states) }
}

export const run = (given: { readonly skinny: readonly Blocks[]; readonly hmac: readonly Messages[] }) => ({
  skinny: encryptAndDecrypt(given.skinny),
  hmac: given.hmac.map(macs),
})
