import { dayStart, toHex, unixOf } from '@vicinity/protocol'
import { openReply, SEALED_REPLY, SIZE } from '@vicinity/protocol/robert'
import { Command } from 'commander'
import { type Fields, readHex, show, utc } from './fields.ts'
import { nameOfCode } from './request.ts'

interface ReplyOptions {
  readonly encryptionKey?: string
  readonly pairs?: boolean
  readonly json?: boolean
}

export function replyCommand(): Command {
  return new Command('reply')
    .description(`The ${SEALED_REPLY} bytes that answer every authenticated request`)
    .argument('<hex>', `${2 * SEALED_REPLY} hexadecimal digits`)
    .option('--encryption-key <hex>', 'K_A^enc of the phone, 32 bytes: opens it')
    .option('--pairs', 'the identifiers too: EBID 8 | ECC 1 each')
    .action((hex: string, options: ReplyOptions) => show(inspectReply(hex, options), options.json))
}

/** What a reply says. Without the key of its phone, and for every refused request, it is 922 bytes like any others. */
export function inspectReply(hex: string, options: ReplyOptions): Fields {
  const sealed = readHex('HEX', hex, [SEALED_REPLY])
  const fields: Fields = { iv: toHex(sealed.subarray(0, SIZE.iv)), tag: toHex(sealed.subarray(-SIZE.gcmTag)) }
  if (options.encryptionKey === undefined) return fields
  const reply = openReply(readHex('--encryption-key', options.encryptionKey, [SIZE.key]), sealed)
  if (reply === undefined) return { ...fields, opens: false }
  const { list } = reply
  return {
    ...fields,
    opens: true,
    answers: nameOfCode(reply.kind),
    atRisk: reply.atRisk,
    serverTime: utc(unixOf(reply.serverTime)),
    replyId: toHex(reply.replyId),
    nextPoll: reply.nextPoll,
    exposureDay: reply.exposureDay === 0 ? 'none' : utc(dayStart(reply.exposureDay)).slice(0, 10),
    first: list.first,
    count: list.pairs.length / SIZE.pair,
    ...(options.pairs && { pairs: toHex(list.pairs) }),
  }
}
