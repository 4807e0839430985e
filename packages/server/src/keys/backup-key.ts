import type { Random } from '@vicinity/protocol'
import type { KeyFiles } from './key-files.ts'

/** The key under which backups are sealed; made where there is none. It is in none of them. */
export function backupKey(files: KeyFiles, random: Random): Uint8Array {
  const key = files.read('backup') ?? files.create('backup', random(32))
  if (key.length !== 32) throw new Error('the key backup is damaged')
  return key
}
