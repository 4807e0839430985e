import { epochStart, ntpOf, toHex, type UnixSeconds, unfold16, unixOf } from '@vicinity/protocol'
import {
  DEFAULT_PARAMETERS,
  epochOfBlock,
  federationCipher,
  helloMacIsValid,
  openEbids,
  parseHello,
  SIZE,
  serverKeyOf,
} from '@vicinity/protocol/robert'
import { Command } from 'commander'
import { wholeNumber } from '../usage.ts'
import { type Fields, hexOf, readHex, show, utc } from './fields.ts'

interface HelloOptions {
  readonly serverKey?: string
  readonly federationKey?: string
  readonly authenticationKey?: string
  readonly serviceStart?: number
  readonly json?: boolean
}

export function helloCommand(): Command {
  return new Command('hello')
    .description('The 16 bytes that a phone broadcasts (ROBERT §5.1)')
    .argument('<hex>', '32 hexadecimal digits')
    .option('--server-key <hex>', 'K_S of its day, 24 bytes: opens the EBID')
    .option('--federation-key <hex>', 'K_G, 16 or 32 bytes: opens the country code')
    .option('--authentication-key <hex>', 'K_A, 32 bytes: checks the MAC')
    .option(
      '--service-start <unix>',
      'Unix time of epoch 0: tells when it was sent',
      wholeNumber('--service-start', 0, 2 ** 43),
    )
    .action((hex: string, options: HelloOptions) => show(inspectHello(hex, options), options.json))
}

/** What 16 bytes say, as far as the keys that are given open them. */
export function inspectHello(hex: string, options: HelloOptions): Fields {
  const bytes = readHex('HEX', hex, [SIZE.hello])
  const hello = parseHello(bytes)
  const fields: Fields = {
    ecc: toHex(bytes.subarray(0, SIZE.ecc)),
    ebid: toHex(hello.ebid),
    time16: hexOf(hello.time16, 2),
    mac: toHex(hello.mac),
  }
  if (options.federationKey !== undefined) {
    const key = readHex('--federation-key', options.federationKey, [16, SIZE.key])
    fields['countryCode'] = hello.ecc ^ federationCipher(key)(hello.ebid)[0]!
  }
  if (options.serverKey !== undefined) {
    const block = hello.ebid.slice()
    openEbids(serverKeyOf(readHex('--server-key', options.serverKey, [SIZE.serverKey])), block)
    const epoch = epochOfBlock(block, 0)
    fields['epoch'] = epoch
    fields['permanentId'] = toHex(block.subarray(3))
    if (options.serviceStart !== undefined) {
      const calendar = {
        serviceStart: options.serviceStart as UnixSeconds,
        epochDuration: DEFAULT_PARAMETERS.epochDuration,
      }
      const middle = (epochStart(calendar, epoch) + calendar.epochDuration / 2) as UnixSeconds
      fields['sent'] = utc(unixOf(unfold16(hello.time16, ntpOf(middle))))
    }
  }
  if (options.authenticationKey !== undefined) {
    fields['macValid'] = helloMacIsValid(readHex('--authentication-key', options.authenticationKey, []), bytes)
  }
  return fields
}
