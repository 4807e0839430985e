import { toHex } from '@vicinity/protocol'
import { federationCipher, SIZE } from '@vicinity/protocol/robert'
import { Command } from 'commander'
import { UsageError } from '../usage.ts'
import { type Fields, readHex, show } from './fields.ts'

interface EccOptions {
  readonly federationKey?: string
  readonly json?: boolean
}

export function eccCommand(): Command {
  return new Command('ecc')
    .description('An encrypted country code (ROBERT §4)')
    .argument('<ebid>', 'the EBID that it belongs to, 16 hexadecimal digits')
    .argument('<ecc>', '2 hexadecimal digits')
    .option('--federation-key <hex>', 'K_G, 16 or 32 bytes: opens it')
    .action((ebid: string, ecc: string, options: EccOptions) => show(inspectEcc(ebid, ecc, options), options.json))
}

/** The country of an identifier: all that a federated back-end can learn about a foreign one. */
export function inspectEcc(ebidHex: string, eccHex: string, { federationKey }: EccOptions): Fields {
  const ebid = readHex('EBID', ebidHex, [SIZE.ebid])
  const ecc = readHex('ECC', eccHex, [SIZE.ecc])
  if (federationKey === undefined) throw new UsageError('--federation-key is needed: nothing else opens a country code')
  const stream = federationCipher(readHex('--federation-key', federationKey, [16, SIZE.key]))(ebid)
  return { ebid: toHex(ebid), ecc: toHex(ecc), countryCode: ecc[0]! ^ stream[0]! }
}
