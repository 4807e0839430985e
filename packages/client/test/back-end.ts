// A back-end of one country for the tests of the phone: the protocol's own decisions over a Map, and scripts for bad days.
import {
  type Calendar,
  dayOf,
  type EndpointName,
  type Epoch,
  epochAt,
  epochStart,
  firstEpochOfDay,
  issuerDayKey,
  ntpOf,
  type Random,
  type RequestOf,
  type ResponseOf,
  respondToken,
  type UnixSeconds,
  verifyToken,
} from '@vicinity/protocol'
import { drawPrivateKey, publicPoint } from '@vicinity/protocol/crypto'
import {
  agreeKeys,
  checkChallenge,
  constantReply,
  decideRequest,
  federationCipher,
  locateRequests,
  makeChallenge,
  makeList,
  NEW_STATUS,
  type Parameters,
  type PermanentId,
  packExposure,
  packList,
  parseRequest,
  REPLY_PAIRS,
  type RequestAnswer,
  type RequestContext,
  SPEC,
  sealFor,
  sealReply,
  serverKeyOf,
  type UserRecord,
} from '@vicinity/protocol/robert'
import { randomOf } from './random.ts'

/** The server said no. */
export class Refusal extends Error {}

export interface Asked {
  readonly at: UnixSeconds
  readonly code: number
  readonly bytes: Uint8Array
}

export class BackEnd {
  readonly parameters: Parameters
  readonly calendar: Calendar
  readonly users: Map<PermanentId, UserRecord> = new Map()
  /** Authenticated requests as they arrived. */
  readonly asked: Asked[] = []
  /** Uploaded items whose token was good. */
  readonly items: Uint8Array[] = []
  /** Requests of tokens: one entry a chunk. */
  readonly redeemed: RequestOf<'redeemCode'>[] = []
  /** Days of identifiers that exist from today on. */
  bundleDays: number
  nextPoll = 28_800
  window: { contagiousFrom: UnixSeconds; contagiousTo: UnixSeconds } | undefined
  readonly #random: Random = randomOf('back-end')
  readonly #privateKey = drawPrivateKey(this.#random)
  readonly publicKey: Uint8Array = publicPoint(this.#privateKey)
  readonly #challengeKey = this.#random(32)
  readonly #issuerKey = this.#random(32)
  readonly #spent = new Set<string>()

  constructor(parameters: Parameters, serviceStart: UnixSeconds) {
    this.parameters = parameters
    this.bundleDays = parameters.bundleDays
    this.calendar = { serviceStart, epochDuration: parameters.epochDuration }
  }

  get context(): RequestContext {
    return {
      calendar: this.calendar,
      countryCode: 33,
      federation: federationCipher(new Uint8Array(16)),
      serverKeyOf: (day) => serverKeyOf(randomOf(`server key ${day}`)(24)),
      profile: SPEC,
      parameters: this.parameters,
      replyKey: new Uint8Array(32),
    }
  }

  /** The only user, for tests with one phone. */
  get user(): UserRecord {
    return [...this.users.values()].at(-1)!
  }

  answer<Name extends EndpointName>(name: Name, request: RequestOf<Name>, at: UnixSeconds): ResponseOf<Name> {
    const answers: { readonly [endpoint: string]: (request: never) => unknown } = {
      challenge: (asked: RequestOf<'challenge'>) => this.#challenge(asked, at),
      register: (asked: RequestOf<'register'>) => this.#register(asked, at),
      request: (asked: RequestOf<'request'>) => ({ reply: this.#reply(asked.request, at) }),
      codeWindow: () => this.#codeWindow(),
      redeemCode: (asked: RequestOf<'redeemCode'>) => this.#redeem(asked),
      upload: (asked: RequestOf<'upload'>) => this.#upload(asked, at),
    }
    return answers[name]!(request as never) as ResponseOf<Name>
  }

  /** Puts the user at risk: enough weighted minutes in three slots of the epoch before `at`. */
  expose(at: UnixSeconds): void {
    const epoch = (epochAt(this.calendar, at) - 1) as Epoch
    const exposedEpochs = Uint8Array.from([0, 1, 2].flatMap((slot) => [...packExposure({ epoch, slot, weight: 50 })]))
    this.users.set(this.user.id, { ...this.user, exposedEpochs })
  }

  #challenge({ publicKey }: RequestOf<'challenge'>, at: UnixSeconds): ResponseOf<'challenge'> {
    const expires = (at + this.parameters.challengeLife) as UnixSeconds
    const { proofOfWork } = this.parameters
    return { challenge: makeChallenge(this.#challengeKey, publicKey, proofOfWork, expires, this.#random) }
  }

  #register(asked: RequestOf<'register'>, at: UnixSeconds): ResponseOf<'register'> {
    const { publicKey, challenge, solution } = asked
    const work = checkChallenge(this.#challengeKey, publicKey, challenge, solution, at)
    if (!work.ok || this.#spent.has(work.value.spentKey.join())) throw new Refusal('challenge')
    this.#spent.add(work.value.spentKey.join())
    const keys = agreeKeys(SPEC, this.#privateKey, publicKey)!
    const id = 1000 + this.users.size
    this.users.set(id, { id, ...keys, status: NEW_STATUS, exposedEpochs: new Uint8Array() })
    const epoch = epochAt(this.calendar, at)
    const count = Math.max(0, firstEpochOfDay(this.calendar, dayOf(at) + this.bundleDays + 1) - epoch)
    const list = packList(makeList(this.context, id, epoch, count), count)
    return {
      epoch,
      epochDuration: this.calendar.epochDuration,
      nextEpochStart: ntpOf(epochStart(this.calendar, epoch + 1)),
      nextPoll: this.nextPoll,
      service: { serviceStart: this.calendar.serviceStart, riskFunction: 'slots-1', parameters: this.parameters },
      list: sealFor(keys.encryptionKey, list, this.#random),
    }
  }

  #reply(bytes: Uint8Array, at: UnixSeconds): Uint8Array {
    this.asked.push({ at, code: bytes[0]!, bytes })
    const [located] = locateRequests([bytes], this.context, at)
    const user = located?.located === true ? this.users.get(located.id) : undefined
    const decision = decideRequest(located!, user, this.context, at)
    if (!decision.served || user === undefined) return constantReply(this.#random)
    if (decision.status !== undefined) this.users.set(user.id, { ...user, status: decision.status })
    return this.#seal(user, decision.answer, bytes, at)
  }

  #seal(user: UserRecord, answer: RequestAnswer, bytes: Uint8Array, at: UnixSeconds): Uint8Array {
    const lastDay = firstEpochOfDay(this.calendar, dayOf(at) + this.bundleDays)
    const end = firstEpochOfDay(this.calendar, dayOf(at) + this.bundleDays + 1)
    const first = answer.kind === 'renew' ? answer.first : lastDay
    const count = answer.kind === 'acknowledge' ? 0 : Math.max(0, Math.min(REPLY_PAIRS, end - first))
    const warned = answer.kind === 'status' && answer.atRisk
    const reply = {
      kind: bytes[0]!,
      atRisk: warned,
      serverTime: ntpOf(at),
      replyId: answer.kind === 'status' ? answer.replyId : this.#random(8),
      nextPoll: this.nextPoll,
      exposureDay: warned ? dayOf(epochStart(this.calendar, answer.newest!)) : (0 as const),
      list: makeList(this.context, user.id, first, count),
    }
    return sealReply(user.encryptionKey, reply, this.#random)
  }

  #codeWindow(): ResponseOf<'codeWindow'> {
    if (this.window === undefined) throw new Refusal('code')
    return { ...this.window, tokensPerDay: this.parameters.tokensPerDay, chunk: this.parameters.tokenChunk }
  }

  #redeem(asked: RequestOf<'redeemCode'>): ResponseOf<'redeemCode'> {
    this.redeemed.push(asked)
    const key = issuerDayKey(this.#issuerKey, asked.day)
    return { responses: asked.requests.map((request) => respondToken(key, request)) }
  }

  #upload({ item, random, token }: RequestOf<'upload'>, at: UnixSeconds): ResponseOf<'upload'> {
    const days = Array.from({ length: 40 }, (_, age) => dayOf(at) - age)
    const isGood = days.some((day) =>
      verifyToken(issuerDayKey(this.#issuerKey, day as ReturnType<typeof dayOf>), item, random, token),
    )
    if (isGood) this.items.push(item)
    return {}
  }

  /** What a request asked, with the fields of ROBERT §7. */
  parsed(asked: Asked): ReturnType<typeof parseRequest> {
    return parseRequest(asked.bytes, asked.at)
  }
}
