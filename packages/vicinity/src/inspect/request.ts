import { type Epoch, readUint, time32, toHex, type UnixSeconds, unixOf } from '@vicinity/protocol'
import {
  type AuthenticatedRequest,
  CODE,
  epochOfBlock,
  macIsValid,
  openEbids,
  PROFILES,
  parseRequest,
  RESET_TOKEN,
  requestMacInput,
  SIZE,
  serverKeyOf,
} from '@vicinity/protocol/robert'
import { wallClock } from '@vicinity/server'
import { Command, Option } from 'commander'
import { type Fields, hexOf, readHex, show, utc } from './fields.ts'

interface RequestOptions {
  readonly serverKey?: string
  readonly authenticationKey?: string
  readonly profile: string
  readonly json?: boolean
}

export function requestCommand(): Command {
  return new Command('request')
    .description('The 96 bytes of an authenticated request (ROBERT §7, appendix C)')
    .argument('<hex>', '192 hexadecimal digits')
    .option('--server-key <hex>', 'K_S of the day of its epoch, 24 bytes: opens the EBID')
    .option('--authentication-key <hex>', 'K_A, 32 bytes: checks the MAC')
    .addOption(
      new Option('--profile <name>', 'what its MAC covers').choices(PROFILES.map(({ name }) => name)).default('spec'),
    )
    .action((hex: string, options: RequestOptions) => show(inspectRequest(hex, options, wallClock()), options.json))
}

/** The name of a code c, as in `CODE`. */
export const nameOfCode = (code: number): string =>
  Object.entries(CODE).find(([, value]) => value === code)?.[0] ?? 'unknown'

/** What 96 bytes say. Their time has 32 bits: it is told in the era nearest to `at`. */
export function inspectRequest(hex: string, options: RequestOptions, at: UnixSeconds): Fields {
  const request = parseRequest(readHex('HEX', hex, [SIZE.request]), at)
  const fields: Fields = {
    code: request.code,
    asks: nameOfCode(request.code),
    ebid: toHex(request.ebid),
    epoch: request.epoch,
    time32: hexOf(time32(request.time), 4),
    sent: utc(unixOf(request.time)),
    ...payloadFields(request),
    mac: toHex(request.mac),
  }
  if (options.serverKey !== undefined) {
    const block = request.ebid.slice()
    openEbids(serverKeyOf(readHex('--server-key', options.serverKey, [SIZE.serverKey])), block)
    fields['permanentId'] = toHex(block.subarray(3))
    fields['epochMatches'] = epochOfBlock(block, 0) === request.epoch
  }
  if (options.authenticationKey !== undefined) {
    const key = readHex('--authentication-key', options.authenticationKey, [])
    const profile = PROFILES.find(({ name }) => name === options.profile)!
    // Under three bytes an epoch beyond 24 bits has no MAC.
    const fits = request.epoch < 256 ** profile.epochBytes
    fields['macValid'] = fits && macIsValid(key, requestMacInput(profile, request), request.mac)
  }
  return fields
}

/** What the payload means for its code; where it means nothing it is shown when it is not zero, as it should be. */
function payloadFields({ code, payload }: AuthenticatedRequest): Fields {
  if (code === CODE.renew) return { first: readUint(payload, 0, 4) as Epoch }
  if (code === CODE.acknowledge) return { replyId: toHex(payload.subarray(0, SIZE.replyId)) }
  if (code === CODE.reset) return { token: toHex(payload.subarray(0, RESET_TOKEN)) }
  return payload.some((byte) => byte !== 0) ? { payload: toHex(payload) } : {}
}
