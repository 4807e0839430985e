import type { Random } from '@vicinity/protocol'
import { drawPrivateKey } from '@vicinity/protocol/crypto'
import type { AuditLog } from '../audit/log.ts'
import type { KeyFiles } from './key-files.ts'

/** The private key on P-256 that signs the heads of the audit log; made where there is none. */
export function auditKey(files: KeyFiles, random: Random): Uint8Array {
  const key = files.read('audit') ?? files.create('audit', drawPrivateKey(random))
  if (key.length !== 32) throw new Error('the key audit is damaged')
  return key
}

/** Made when the first item of a window arrives: an entry would tell when that was. Its end is logged. */
const SILENTLY_MADE = /^intake-/

/** Key files that log every key before it is made and before it is destroyed; its name, never its bytes. */
export const auditedKeys = (files: KeyFiles, audit: Pick<AuditLog, 'append'>): KeyFiles => ({
  ...files,
  create(name, bytes) {
    if (!SILENTLY_MADE.test(name)) audit.append('key.made', { name })
    return files.create(name, bytes)
  },
  remove(name) {
    audit.append('key.destroyed', { name })
    files.remove(name)
  },
})
