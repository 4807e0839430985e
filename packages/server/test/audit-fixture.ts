import type { UnixSeconds } from '@vicinity/protocol'
import { drawPrivateKey, ecdsaSign, publicPoint } from '@vicinity/protocol/crypto'
import type { Signer } from '../src/audit/head.ts'
import { type AuditFiles, type AuditLog, memoryAppendable, openAudit } from '../src/audit/log.ts'
import { type VerifyOptions, verifyLog } from '../src/audit/verify.ts'
import { NOON, randomOf } from './fixture.ts'

export const PRIVATE_KEY: Uint8Array = drawPrivateKey(randomOf('audit key'))
export const KEY: Uint8Array = publicPoint(PRIVATE_KEY)

export const signerOf = (privateKey: Uint8Array): Signer => ({
  point: publicPoint(privateKey),
  sign: (message) => ecdsaSign(privateKey, message),
})

export const memoryFiles = (log?: Uint8Array, heads?: Uint8Array): AuditFiles => ({
  log: memoryAppendable(log),
  heads: memoryAppendable(heads),
})

export interface AuditWorld {
  readonly clock: { now: UnixSeconds }
  readonly open: (files: AuditFiles) => AuditLog
}

export function auditWorld(): AuditWorld {
  const clock = { now: NOON }
  return {
    clock,
    open: (files) => openAudit({ files, signer: signerOf(PRIVATE_KEY), now: () => clock.now, parameters: 'some' }),
  }
}

export const bytesOf = ({ log, heads }: AuditFiles) => ({ log: log.read(), heads: heads.read() })

export const verdictOf = (files: AuditFiles, options: VerifyOptions = { key: KEY }) =>
  verifyLog(bytesOf(files), options)

/** The acts of a log that is as it was written; throws the fault of any other. */
export function actsOf(files: AuditFiles): string[] {
  const { entries, fault } = verdictOf(files)
  if (fault !== undefined) throw new Error(JSON.stringify(fault))
  return entries.map(({ act }) => act)
}
