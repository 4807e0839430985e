// The clients of one back-end: phones, patients and publishers. Each sends the same bytes until they are answered, to any process that
// answers, and writes down what it saw.
import { setTimeout as pause } from 'node:timers/promises'
import { CallFailed, httpCall } from '@vicinity/client/hosts/node'
import {
  drawBelow,
  type EndpointName,
  epochAt,
  ntpOf,
  type Random,
  type RequestOf,
  type ResponseOf,
  toHex,
  type UnixSeconds,
} from '@vicinity/protocol'
import { drawPrivateKey, publicPoint } from '@vicinity/protocol/crypto'
import {
  agreeKeys,
  buildRequest,
  CODE,
  type IdentifierList,
  openFrom,
  openReply,
  type SharedKeys,
  SIZE,
  SPEC,
  solveChallenge,
  unpackList,
} from '@vicinity/protocol/robert'
import type { History, Operation } from './history.ts'
import { AUTHORITY_TOKEN, SETTINGS } from './settings.ts'

/** What the clients of a round share. */
export interface World {
  readonly round: number
  readonly history: History
  readonly random: Random
  readonly now: () => UnixSeconds
  /** Addresses of the processes that answer, at this moment. */
  readonly urls: () => readonly string[]
  /** pk_S. */
  readonly publicKey: Uint8Array
  /** Whether the round has lasted too long: then clients give up, and that is a fault. */
  readonly isOver: () => boolean
  /** Told of answers with status 500: a fault of the world is 503. */
  readonly internalError: (what: string) => void
}

export interface CrashPhone {
  readonly name: string
  readonly keys: SharedKeys
  readonly list: IdentifierList
  /** Has asked to leave. */
  left: boolean
  /** Reply id of the "1" that it was told. */
  warning: Uint8Array | undefined
}

export const CALENDAR = {
  serviceStart: SETTINGS.serviceStart,
  epochDuration: SETTINGS.parameters.epochDuration,
}

/** One in so many clients that had no answer gives up, as phones do that are switched off. */
const GIVES_UP = 20
const LONGEST_PAUSE = 80

export type Outcome<Value> = { readonly is: 'ok'; readonly value: Value } | { readonly is: 'fail' | 'unknown' }

/** Sends until there is an answer. `attempt` gives undefined where there was none; `note` is told before each. */
export async function persist<Value>(
  { random, urls, isOver }: World,
  note: () => void,
  attempt: (url: string) => Promise<Outcome<Value> | undefined>,
  givesUp = drawBelow(random, GIVES_UP) === 0,
): Promise<Outcome<Value>> {
  while (!isOver()) {
    const known = urls()
    if (known.length > 0) {
      note()
      const outcome = await attempt(known[drawBelow(random, known.length)]!)
      if (outcome !== undefined) return outcome
      if (givesUp) break
    }
    await pause(10 + drawBelow(random, LONGEST_PAUSE))
  }
  return { is: 'unknown' }
}

const attemptCall =
  <Name extends EndpointName>(world: World, name: Name, request: RequestOf<Name>) =>
  async (url: string): Promise<Outcome<ResponseOf<Name>> | undefined> => {
    try {
      return { is: 'ok', value: await httpCall(url, `Bearer ${AUTHORITY_TOKEN}`)(name, request) }
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error
      if (error.message.endsWith(' 500')) world.internalError(name)
      return error.refused ? { is: 'fail' } : undefined
    }
  }

/** A call whose effect nobody counts. */
export const ask = <Name extends EndpointName>(
  world: World,
  name: Name,
  request: RequestOf<Name>,
): Promise<Outcome<ResponseOf<Name>>> => persist(world, () => {}, attemptCall(world, name, request), false)

/** A call that is written down. `undefined` where it was not answered. */
export async function act<Name extends EndpointName>(
  world: World,
  operation: Operation,
  name: Name,
  request: RequestOf<Name>,
): Promise<{ readonly call: number; readonly outcome: Outcome<ResponseOf<Name>> }> {
  const { history, round } = world
  const call = history.invoke(round, operation)
  const outcome = await persist(world, () => history.sent(call), attemptCall(world, name, request))
  if (outcome.is === 'fail') history.fail(call)
  if (outcome.is === 'unknown') history.unknown(call)
  return { call, outcome }
}

/** Registers as a phone does: whose registration gets no answer draws a key anew, and is another account. */
export async function register(world: World, name: string): Promise<CrashPhone | undefined> {
  while (!world.isOver()) {
    const privateKey = drawPrivateKey(world.random)
    const publicKey = publicPoint(privateKey)
    const challenged = await ask(world, 'challenge', { publicKey })
    if (challenged.is !== 'ok') continue
    const { challenge } = challenged.value
    const { call, outcome } = await registerOnce(world, name, {
      publicKey,
      challenge,
      solution: solveChallenge(challenge),
    })
    if (outcome.is !== 'ok') {
      await pause(LONGEST_PAUSE)
      continue
    }
    const keys = agreeKeys(SPEC, privateKey, world.publicKey)!
    const list = unpackList(openFrom(keys.encryptionKey, outcome.value.list)!)
    world.history.ok(call, { first: list.first, ebid: toHex(list.pairs.subarray(0, SIZE.ebid)) })
    return { name, keys, list, left: false, warning: undefined }
  }
  return undefined
}

/** A challenge is good once: who sends it again without an answer cannot know what the first did. */
async function registerOnce(world: World, phone: string, request: RequestOf<'register'>) {
  const { history, round } = world
  const call = history.invoke(round, { kind: 'register', phone })
  const attempt = attemptCall(world, 'register', request)
  const outcome = await persist(world, () => history.sent(call), attempt, true)
  if (outcome.is !== 'ok') history.unknown(call)
  return { call, outcome }
}

/** EBID 8 | ECC 1 of an epoch. */
export const pairOf = ({ list }: CrashPhone, epoch: number): Uint8Array =>
  list.pairs.subarray(SIZE.pair * (epoch - list.first), SIZE.pair * (epoch - list.first + 1))

/** An authenticated request, sent until it is answered. Gives the reply id of a "1". */
async function request(
  world: World,
  phone: CrashPhone,
  operationOf: (epoch: number, tag: string) => Operation,
  code: number,
  payload: Uint8Array,
) {
  const at = world.now()
  const epoch = epochAt(CALENDAR, at)
  const ebid = pairOf(phone, epoch).subarray(0, SIZE.ebid)
  const bytes = buildRequest(SPEC, phone.keys.authenticationKey, { code, ebid, epoch, time: ntpOf(at), payload })
  const operation = operationOf(epoch, toHex(bytes.subarray(-SIZE.requestTag)))
  const { call, outcome } = await act(world, operation, 'request', { request: bytes })
  if (outcome.is !== 'ok') return undefined
  const reply = openReply(phone.keys.encryptionKey, outcome.value.reply)
  const answered = { served: reply !== undefined, epoch: epochAt(CALENDAR, world.now()) }
  const told = reply && { atRisk: reply.atRisk, reply: toHex(reply.replyId) }
  world.history.ok(call, { ...answered, ...told })
  return reply
}

const NOTHING = new Uint8Array(0)

/** A status request, and what follows a "1". */
export async function askStatus(world: World, phone: CrashPhone): Promise<void> {
  const operation = (epoch: number, tag: string) => ({ kind: 'status', phone: phone.name, epoch, tag }) as const
  const reply = await request(world, phone, operation, CODE.status, NOTHING)
  if (reply?.atRisk) phone.warning = reply.replyId
}

export async function acknowledge(world: World, phone: CrashPhone): Promise<void> {
  const operation = { kind: 'acknowledge', phone: phone.name, reply: toHex(phone.warning!) } as const
  await request(world, phone, () => operation, CODE.acknowledge, phone.warning!)
}

export async function leave(world: World, phone: CrashPhone): Promise<void> {
  phone.left = true
  await request(world, phone, () => ({ kind: 'unregister', phone: phone.name }), CODE.unregister, NOTHING)
}
