// export.sig: `TEKSignatureList`, signatures over the whole of export.bin with its header of 16 bytes.
import { ecdsaSign, ecdsaVerifyDigest, sha256 } from '#crypto'
import { assert, Malformed } from '../outcome.ts'
import { derOfSignature, signatureOfDer } from './der.ts'
import {
  ECDSA_WITH_SHA256,
  EXPORT_BOUNDS,
  type ExportHeader,
  packSignatureInfo,
  type SignatureInfo,
} from './export-file.ts'
import { checkBatch, readExport, readSignatureInfo } from './export-reader.ts'
import { FieldReader, FieldWriter } from './protobuf.ts'

const LIST_FIELD = { signatures: 1 } as const
const SIGNATURE_FIELD = { signatureInfo: 1, batchNumber: 2, batchSize: 3, signature: 4 } as const

export interface ExportSignature {
  readonly info: SignatureInfo
  readonly batchNumber: number
  readonly batchSize: number
  /** In the encoding of its algorithm. */
  readonly signature: Uint8Array
}

/** A key that exports may be signed with. */
export interface VerificationKey {
  readonly keyId: string
  readonly keyVersion: string
  /** Uncompressed, 65 bytes. */
  readonly point: Uint8Array
}

/** Sets of keys: a file is genuine when it is signed with all keys of one of them. A single key is a set of its own. */
export type TrustedKeys = readonly (VerificationKey | readonly VerificationKey[])[]

/** What a phone may refuse in files that can be parsed. */
export type ExportRefusal = 'signatureForged' | 'signatureMissing' | 'batchForeign'

/** export.sig: a signature of each private key (32 bytes), in the order of the header's `signatureInfos`. Deterministic. */
export const signExport = (bin: Uint8Array, header: ExportHeader, privateKeys: readonly Uint8Array[]): Uint8Array =>
  packSignatures(
    header,
    privateKeys.map((key) => ecdsaSign(key, bin)),
  )

/** export.sig around signatures of export.bin, r | s each, in the order of the header's `signatureInfos`. */
export function packSignatures(header: ExportHeader, signatures: readonly Uint8Array[]): Uint8Array {
  assert(signatures.length === header.signatureInfos.length, 'every signature that a header names is made')
  const list = new FieldWriter(512)
  for (const [k, info] of header.signatureInfos.entries()) {
    const entry = new FieldWriter(256)
      .bytesOf(SIGNATURE_FIELD.signatureInfo, packSignatureInfo(info))
      .integer(SIGNATURE_FIELD.batchNumber, header.batchNumber)
      .integer(SIGNATURE_FIELD.batchSize, header.batchSize)
      .bytesOf(SIGNATURE_FIELD.signature, derOfSignature(signatures[k]!))
    list.bytesOf(LIST_FIELD.signatures, entry.bytes)
  }
  return list.bytes.slice()
}

function readSignature(message: FieldReader): ExportSignature {
  let info: SignatureInfo = { verificationKeyVersion: '', verificationKeyId: '', signatureAlgorithm: ECDSA_WITH_SHA256 }
  let signature: Uint8Array = new Uint8Array(0)
  const batch = { batchNumber: 1, batchSize: 1 }
  while (message.next()) {
    switch (message.number) {
      case SIGNATURE_FIELD.signatureInfo:
        info = readSignatureInfo(message.message('signature_info'))
        break
      case SIGNATURE_FIELD.batchNumber:
        batch.batchNumber = message.integer('batch_num', 1, EXPORT_BOUNDS.batchSize)
        break
      case SIGNATURE_FIELD.batchSize:
        batch.batchSize = message.integer('batch_size', 1, EXPORT_BOUNDS.batchSize)
        break
      case SIGNATURE_FIELD.signature:
        signature = message.bytes()
    }
  }
  message.finish()
  checkBatch(batch)
  return { info, ...batch, signature }
}

/** export.sig. Throws `Malformed`; the signatures are views. */
export function readSignatures(bytes: Uint8Array): ExportSignature[] {
  const list = new FieldReader(bytes, 'export.sig')
  const signatures: ExportSignature[] = []
  while (list.next()) {
    if (list.number === LIST_FIELD.signatures) signatures.push(readSignature(list.message('signatures')))
    if (signatures.length > EXPORT_BOUNDS.signatures) {
      throw new Malformed('export.sig', `at most ${EXPORT_BOUNDS.signatures} signatures`)
    }
  }
  list.finish()
  return signatures
}

/** Whether one of the signatures is that of a key over a file with this SHA-256. */
const isSignedWith = (digest: Uint8Array, signatures: readonly ExportSignature[], key: VerificationKey): boolean =>
  signatures.some(
    ({ info, signature }) =>
      info.verificationKeyId === key.keyId &&
      info.verificationKeyVersion === key.keyVersion &&
      info.signatureAlgorithm === ECDSA_WITH_SHA256 &&
      ecdsaVerifyDigest(key.point, digest, signatureOfDer(signature)),
  )

/** Whether all keys of one of the trusted sets signed the file with this SHA-256. Nothing of the file itself is needed. */
export const isSigned = (digest: Uint8Array, signatures: readonly ExportSignature[], trusted: TrustedKeys): boolean =>
  trusted.some((entry) => {
    const set = [entry].flat()
    return set.length > 0 && set.every((key) => isSignedWith(digest, signatures, key))
  })

/** What a header and the signatures of its file must agree on; undefined when they do. */
export function refusalOfPair(
  header: ExportHeader,
  signatures: readonly ExportSignature[],
): Exclude<ExportRefusal, 'signatureForged'> | undefined {
  if (header.signatureInfos.length !== signatures.length) return 'signatureMissing'
  const belongs = signatures.every(
    ({ batchNumber, batchSize }) => batchNumber === header.batchNumber && batchSize === header.batchSize,
  )
  return belongs ? undefined : 'batchForeign'
}

/** Whether export.sig makes export.bin genuine: signed, as many signatures as announced, the same batch. Throws `Malformed`. */
export function verifyExport(bin: Uint8Array, sig: Uint8Array, trusted: TrustedKeys): boolean {
  const signatures = readSignatures(sig)
  return isSigned(sha256(bin), signatures, trusted) && refusalOfPair(readExport(bin).header, signatures) === undefined
}
