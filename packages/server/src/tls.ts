// TLS by certificate files, for where no proxy ends it.
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import type { UnixSeconds } from '@vicinity/protocol'

export interface TlsFiles {
  /** The certificate and those between it and the root, in PEM. */
  readonly certificate: string
  /** Its private key, in PEM. */
  readonly key: string
}

export interface Tls {
  readonly cert: string
  readonly key: string
  /** When the first certificate of the file ends. */
  readonly expires: UnixSeconds
}

/** A certificate that cannot be served: for whoever runs the back-end, in words that say what to do. */
export class BadCertificate extends Error {
  override readonly name = 'BadCertificate'
}

/** Reads a certificate with its key. Throws `BadCertificate` where one is no PEM, or they do not belong together. */
export function readTls({ certificate, key }: TlsFiles): Tls {
  const [cert, secret] = [textOf(certificate), textOf(key)]
  const parsed = orBad(`${certificate} holds no certificate in PEM`, () => new X509Certificate(cert))
  const own = orBad(`${key} holds no private key in PEM without a passphrase`, () => createPrivateKey(secret))
  if (!parsed.checkPrivateKey(own)) {
    throw new BadCertificate(`the key ${key} is not that of the certificate ${certificate}: give the pair`)
  }
  return { cert, key: secret, expires: Math.floor(Date.parse(parsed.validTo) / 1000) as UnixSeconds }
}

/** What changes when one of the files does. */
export const versionOf = ({ certificate, key }: TlsFiles): string =>
  [certificate, key]
    .map((path) => statSync(path, { throwIfNoEntry: false }))
    .map((entry) => `${entry?.mtimeMs} ${entry?.ino} ${entry?.size}`)
    .join(' ')

const textOf = (path: string): string => orBad(`${path} cannot be read`, () => readFileSync(path, 'utf8'))

function orBad<Value>(what: string, read: () => Value): Value {
  try {
    return read()
  } catch {
    throw new BadCertificate(what)
  }
}
