// Every HTTP endpoint, once: the server binds a flow to each, the client calls them by name, the documents are made from it.
import { bytes, type Codec, type Decoded, integer, list, nothing, object, text } from './codec.ts'
import { Malformed } from './outcome.ts'
import { LONGEST_LIST, SEALED_REPLY, SIZE } from './robert/constants.ts'
import { isPublicPoint } from './robert/keys.ts'
import { PARAMETERS, type ParameterName } from './robert/parameters.ts'
import { CHALLENGE, SOLUTION } from './robert/registration.ts'
import { RESET_TOKEN } from './robert/reset.ts'
import type { Epoch, NtpSeconds, UnixSeconds, UtcDay } from './time.ts'
import { TOKEN } from './upload/token.ts'

export interface Endpoint<Request, Response> {
  readonly method: 'GET' | 'POST'
  readonly path: string
  /** Who may call: anybody, or the health authority with its bearer token. */
  readonly auth: 'none' | 'authority'
  /** The largest body in bytes. */
  readonly limit: number
  readonly request: Codec<Request>
  readonly response: Codec<Response>
  readonly summary: string
}

const endpoint = <Request, Response>(table: Endpoint<Request, Response>): Endpoint<Request, Response> => table

const time = integer<UnixSeconds>(0, 2 ** 43)
const ntpTime = integer<NtpSeconds>(0, 2 ** 43)
const day = integer<UtcDay>(0, 0xffff)
const epoch = integer<Epoch>(0, 0xffffff)
const pointBytes = bytes(SIZE.publicPoint)
const point: Codec<Uint8Array> = {
  ...pointBytes,
  decode(json, field) {
    const decoded = pointBytes.decode(json, field)
    if (!isPublicPoint(decoded)) throw new Malformed(field, 'an uncompressed point on P-256')
    return decoded
  },
}
/** A code of the authority: 16 characters of Crockford's base 32 in groups of four, 80 random bits. */
const code = text(32, /^[0-9A-Za-z]{4}(?:-?[0-9A-Za-z]{4}){3}$/)

const parameters = object(
  Object.fromEntries(Object.entries(PARAMETERS).map(([name, entry]) => [name, integer(entry.least, entry.most)])),
) as unknown as Codec<{ readonly [name in ParameterName]: number }>

const service = object({ serviceStart: time, riskFunction: text(40, /^[a-z0-9-]+$/), parameters })

export const api = {
  challenge: endpoint({
    method: 'POST',
    path: '/v1/challenge',
    auth: 'none',
    limit: 1024,
    request: object({ publicKey: point }),
    response: object({ challenge: bytes(CHALLENGE) }),
    summary: 'A registration challenge bound to the public key; its first byte is the number of zero bits wanted.',
  }),
  register: endpoint({
    method: 'POST',
    path: '/v1/register',
    auth: 'none',
    limit: 1024,
    request: object({ publicKey: point, challenge: bytes(CHALLENGE), solution: bytes(SOLUTION) }),
    response: object({
      epoch,
      epochDuration: integer(1, 86_400),
      nextEpochStart: ntpTime,
      serverTime: ntpTime,
      nextPoll: integer(0, 2 ** 31),
      service,
      list: bytes(1, LONGEST_LIST + SIZE.iv + SIZE.gcmTag),
    }),
    summary: 'Registers a phone (ROBERT §3.2, §3.3); `list` is sealed under the agreed encryption key.',
  }),
  request: endpoint({
    method: 'POST',
    path: '/v1/request',
    auth: 'none',
    limit: 2048,
    request: object({ request: bytes(0, 1024) }),
    response: object({ reply: bytes(SEALED_REPLY) }),
    summary:
      'Every authenticated request (ROBERT §7, appendix C). Whatever happens, the reply has one form and one size.',
  }),
  issueCode: endpoint({
    method: 'POST',
    path: '/v1/authority/issue-code',
    auth: 'authority',
    limit: 1024,
    request: object({ contagiousFrom: time, contagiousTo: time }),
    response: object({ code, expires: time }),
    summary: 'A code for one diagnosed person and one contagious window (ROBERT §6.1).',
  }),
  issueReset: endpoint({
    method: 'POST',
    path: '/v1/authority/issue-reset',
    auth: 'authority',
    limit: 1024,
    request: object({ testedAt: time }),
    response: object({ token: bytes(RESET_TOKEN) }),
    summary: 'A single-use token for one negative test: it ends a warning (ROBERT §3.2.1).',
  }),
  codeWindow: endpoint({
    method: 'POST',
    path: '/v1/authority/code-window',
    auth: 'none',
    limit: 1024,
    request: object({ code }),
    response: object({
      contagiousFrom: time,
      contagiousTo: time,
      tokensPerDay: integer(1, 1024),
      chunk: integer(1, 256),
    }),
    summary: 'The window that a code was issued for, and how many tokens belong to each of its days.',
  }),
  redeemCode: endpoint({
    method: 'POST',
    path: '/v1/authority/redeem-code',
    auth: 'none',
    limit: 32_768,
    request: object({ code, day, chunk: integer(0, 255), requests: list(bytes(TOKEN.request), 1, 256) }),
    response: object({ responses: list(bytes(TOKEN.response), 1, 256) }),
    summary: 'Token responses for one chunk of one day. The same chunk again gets the same answer.',
  }),
  upload: endpoint({
    method: 'POST',
    path: '/v1/upload',
    auth: 'none',
    limit: 1024,
    request: object({ item: bytes(SIZE.item), random: bytes(TOKEN.random), token: bytes(TOKEN.size) }),
    response: nothing,
    summary: 'One item with its token. The answer is the same whether the token was good, spent or forged.',
  }),
  parameters: endpoint({
    method: 'GET',
    path: '/v1/parameters',
    auth: 'none',
    limit: 0,
    request: nothing,
    response: service,
    summary: 'Every parameter in force, and the version of the risk function.',
  }),
  clock: endpoint({
    method: 'GET',
    path: '/v1/clock',
    auth: 'none',
    limit: 0,
    request: nothing,
    response: object({ serverTime: ntpTime, epoch, serviceStart: time, epochDuration: integer(1, 86_400) }),
    summary: "The back-end's time in NTP seconds, the epoch that it is, and the calendar (ROBERT §3.1).",
  }),
  live: endpoint({
    method: 'GET',
    path: '/health/live',
    auth: 'none',
    limit: 0,
    request: nothing,
    response: object({ live: integer(1, 1) }),
    summary: 'The process answers.',
  }),
  ready: endpoint({
    method: 'GET',
    path: '/health/ready',
    auth: 'none',
    limit: 0,
    request: nothing,
    response: object({ ready: integer(1, 1) }),
    summary: 'The store answers, the server keys of today and of the bundle exist. Otherwise 503.',
  }),
}

export type Api = typeof api
export type EndpointName = keyof Api
export type RequestOf<Name extends EndpointName> = Decoded<Api[Name]['request']>
export type ResponseOf<Name extends EndpointName> = Decoded<Api[Name]['response']>

/** Performs one call and gives the decoded answer; rejects when the world failed or the call was refused. */
export type Call = <Name extends EndpointName>(name: Name, request: RequestOf<Name>) => Promise<ResponseOf<Name>>
