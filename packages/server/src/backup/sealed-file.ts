// A file of sealed chunks: none can be read, altered, left out, put elsewhere or cut off without the key.
//   a line of JSON: the form and a salt | chunks: length 4 | ciphertext | tag 16
// AES-256-GCM under a key of the file (HMAC of the salt under the backup key); the IV is the number of the chunk and whether it is the
// last; the line is associated data of each.
import { closeSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs'
import { ascii, concat, fromHex, type Random, toHex, writeUint } from '@vicinity/protocol'
import { gcmOpen, gcmSeal, hmacSha256 } from '@vicinity/protocol/crypto'

/** A backup that cannot be used: for whoever runs the back-end, in words that say why. */
export class BadBackup extends Error {
  override readonly name = 'BadBackup'
}

const FORM = 'vicinity backup 1'
const SALT = 32
const TAG = 16
/** Larger lengths are none of ours. */
const MOST = 2 ** 26

const ivOf = (number: number, last: boolean): Uint8Array => {
  const iv = new Uint8Array(12)
  writeUint(iv, 0, 6, number)
  iv[11] = last ? 1 : 0
  return iv
}
const keyOf = (backupKey: Uint8Array, salt: Uint8Array) => hmacSha256(backupKey, concat(ascii('backup file'), salt))

export interface ChunkWriter {
  readonly write: (chunk: Uint8Array) => void
  /** Durable when it returns: the file is whole. */
  readonly end: (chunk: Uint8Array) => void
  readonly close: () => void
}

/** Throws where the file exists. */
export function writeChunks(path: string, backupKey: Uint8Array, random: Random): ChunkWriter {
  const salt = random(SALT)
  const key = keyOf(backupKey, salt)
  const line = ascii(JSON.stringify({ form: FORM, salt: toHex(salt) }))
  const file = openSync(path, 'wx', 0o600)
  writeSync(file, concat(line, ascii('\n')))
  let number = 0
  const put = (chunk: Uint8Array, last: boolean) => {
    const sealed = gcmSeal(key, ivOf(number++, last), chunk, line)
    const length = new Uint8Array(4)
    writeUint(length, 0, 4, sealed.length)
    for (const bytes of [length, sealed]) for (let at = 0; at < bytes.length; at += writeSync(file, bytes, at));
  }
  return {
    write: (chunk) => put(chunk, false),
    end(chunk) {
      put(chunk, true)
      fsyncSync(file)
    },
    close: () => closeSync(file),
  }
}

/** The chunks of a file in their order. Throws `BadBackup` at the first that is not as it was written. */
export function* readChunks(path: string, backupKey: Uint8Array): Generator<Buffer> {
  const file = openSync(path, 'r')
  try {
    const line = readLine(file)
    const key = keyOf(backupKey, saltOf(line))
    for (let number = 0; ; number++) {
      const head = readExactly(file, 4)
      if (head === undefined) throw new BadBackup('the backup is cut short: it has no end')
      const length = head.readUInt32BE()
      const sealed = length < TAG || length > MOST ? undefined : readExactly(file, length)
      if (sealed === undefined) throw new BadBackup(`the backup is damaged, or cut short, in chunk ${number}`)
      const chunk = gcmOpen(key, ivOf(number, false), sealed, line)
      const last = chunk === undefined ? gcmOpen(key, ivOf(number, true), sealed, line) : undefined
      const opened = chunk ?? last
      if (opened === undefined) {
        throw new BadBackup(
          number === 0
            ? 'the backup does not open: it is damaged, or of another key directory'
            : `the backup is damaged in chunk ${number}`,
        )
      }
      yield Buffer.from(opened.buffer, opened.byteOffset, opened.length)
      if (last === undefined) continue
      if (readExactly(file, 1) !== undefined) throw new BadBackup('the backup goes on after its end')
      return
    }
  } finally {
    closeSync(file)
  }
}

const LONGEST_LINE = 256

function readLine(file: number): Uint8Array {
  const bytes: number[] = []
  while (bytes.length < LONGEST_LINE) {
    const next = readExactly(file, 1)?.[0]
    if (next === undefined) break
    if (next === 10) return Uint8Array.from(bytes)
    bytes.push(next)
  }
  throw new BadBackup('this is no backup of this program')
}

function saltOf(line: Uint8Array): Uint8Array {
  try {
    const { form, salt } = JSON.parse(new TextDecoder().decode(line)) as Record<string, unknown>
    if (form === FORM) return fromHex(String(salt), 'salt')
  } catch {
    // Not JSON.
  }
  throw new BadBackup('this is no backup of this program, or of a newer one')
}

/** Undefined where the file ends before. */
function readExactly(file: number, length: number): Buffer | undefined {
  const bytes = Buffer.allocUnsafe(length)
  for (let at = 0; at < length; ) {
    const read = readSync(file, bytes, at, length - at, null)
    if (read === 0) return undefined
    at += read
  }
  return bytes
}
