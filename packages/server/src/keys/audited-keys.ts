import type { AuditLog } from '../audit/log.ts'
import type { KeyFiles } from './key-files.ts'

/** Made when the first item of a window arrives: an entry would tell when that was. Its end is logged. */
const SILENTLY_MADE = /^intake-/

/** Key files that log every key before it is made and before it is destroyed; its name, never its bytes. */
export const auditedKeys = (files: KeyFiles, audit: Pick<AuditLog, 'append'>): KeyFiles => ({
  ...files,
  create(name, bytes) {
    if (!SILENTLY_MADE.test(name)) audit.append('key.made', { name })
    return files.create(name, bytes)
  },
  replace(name, bytes) {
    audit.append('key.sealed', { name })
    files.replace(name, bytes)
  },
  remove(name) {
    audit.append('key.destroyed', { name })
    files.remove(name)
  },
})
