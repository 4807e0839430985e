// A back-end of one country for the tests of the phone: users in a Map, and as much of ROBERT §7 as a phone can notice.
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
  readUint,
  respondToken,
  toHex,
  type UnixSeconds,
  type UtcDay,
  verifyToken,
  Writer,
} from '@vicinity/protocol'
import { drawPrivateKey, publicPoint } from '@vicinity/protocol/crypto'
import {
  agreeKeys,
  buildRequest,
  CODE,
  checkChallenge,
  constantReply,
  federationCipher,
  locateRequests,
  makeChallenge,
  makeList,
  type Parameters,
  type PermanentId,
  packList,
  parseRequest,
  REPLY_PAIRS,
  RESET_TOKEN,
  type SharedKeys,
  SPEC,
  sealFor,
  sealReply,
  serverKeyOf,
} from '@vicinity/protocol/robert'
import { randomOf } from './random.ts'

/** The server said no. */
export class Refusal extends Error {}

export interface Asked {
  readonly at: UnixSeconds
  readonly code: number
  readonly bytes: Uint8Array
}

interface User extends SharedKeys {
  readonly id: PermanentId
  notified: 'none' | 'pending' | 'acknowledged'
  exposed?: Epoch | undefined
  lastStatus?: { readonly epoch: Epoch; readonly bytes: string }
}

/** What finding the sender of a request needs. */
type LocateContext = typeof locateRequests extends (requests: never, context: infer Context, at: never) => unknown
  ? Context
  : never

/** The first bytes of the id of every reply that warns. */
const WARNING = 0x5741524e

export class BackEnd {
  readonly parameters: Parameters
  readonly calendar: Calendar
  readonly users: Map<PermanentId, User> = new Map()
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
  /** Tokens of negative tests that are good, as hex. */
  readonly tests: Set<string> = new Set()
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

  get context(): LocateContext {
    const context = {
      calendar: this.calendar,
      countryCode: 33,
      federation: federationCipher(new Uint8Array(16)),
      serverKeyOf: (day: UtcDay) => serverKeyOf(randomOf(`server key ${day}`)(24)),
      profile: SPEC,
      parameters: this.parameters,
      replyKey: new Uint8Array(32),
    }
    return context
  }

  /** The only user, for tests with one phone. */
  get user(): User {
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

  /** Puts the user at risk by an exposure in the epoch before `at`. */
  expose(at: UnixSeconds): void {
    this.user.exposed = (epochAt(this.calendar, at) - 1) as Epoch
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
    this.users.set(id, { id, ...keys, notified: 'none' })
    const epoch = epochAt(this.calendar, at)
    const count = Math.max(0, firstEpochOfDay(this.calendar, dayOf(at) + this.bundleDays + 1) - epoch)
    const list = packList(makeList(this.context, id, epoch, count), count)
    return {
      epoch,
      epochDuration: this.calendar.epochDuration,
      nextEpochStart: ntpOf(epochStart(this.calendar, epoch + 1)),
      serverTime: ntpOf(at),
      nextPoll: this.nextPoll,
      service: { serviceStart: this.calendar.serviceStart, riskFunction: 'slots-1', parameters: this.parameters },
      list: sealFor(keys.encryptionKey, list, this.#random),
    }
  }

  #reply(bytes: Uint8Array, at: UnixSeconds): Uint8Array {
    this.asked.push({ at, code: bytes[0]!, bytes })
    const [located] = locateRequests([bytes], this.context, at)
    const user = located?.located === true ? this.users.get(located.id) : undefined
    if (located?.located !== true || user === undefined) return constantReply(this.#random)
    // Step 6: a request has one form, so its MAC is right when building it again gives the same bytes.
    const built = buildRequest(SPEC, user.authenticationKey, located.request)
    if (toHex(built) !== toHex(bytes)) return constantReply(this.#random)
    const { code, payload, epoch } = located.request
    if (code === CODE.status && !this.#allowsStatus(user, bytes, at)) return constantReply(this.#random)
    if (code === CODE.acknowledge && user.notified === 'pending' && readUint(payload, 0, 6) === WARNING) {
      user.notified = 'acknowledged'
    }
    if (code === CODE.unregister) this.users.delete(user.id)
    if (code === CODE.deleteHistory) user.exposed = undefined
    if (code === CODE.reset && !this.#resets(user, payload)) return constantReply(this.#random)
    const first = code === CODE.renew ? readUint(payload, 0, 4) : undefined
    return this.#seal(user, code, first as typeof epoch | undefined, at)
  }

  /** Steps 7 and 8 of ROBERT §7: not after an acknowledged warning, not within T epochs, but the same request again. */
  #allowsStatus(user: User, bytes: Uint8Array, at: UnixSeconds): boolean {
    if (user.notified !== 'none') return user.notified === 'pending'
    const now = epochAt(this.calendar, at)
    const again = user.lastStatus?.bytes === toHex(bytes)
    if (!again && user.lastStatus !== undefined && now - user.lastStatus.epoch < this.parameters.statusGap) return false
    user.lastStatus = { epoch: now, bytes: toHex(bytes) }
    if (user.exposed !== undefined) user.notified = 'pending'
    return true
  }

  /** A negative test: good once. */
  #resets(user: User, payload: Uint8Array): boolean {
    if (!this.tests.delete(toHex(payload.subarray(0, RESET_TOKEN)))) return false
    user.exposed = undefined
    user.notified = 'none'
    return true
  }

  #seal(user: User, kind: number, wanted: Epoch | undefined, at: UnixSeconds): Uint8Array {
    const today = dayOf(at)
    const first = wanted ?? firstEpochOfDay(this.calendar, today + this.bundleDays)
    const end = firstEpochOfDay(this.calendar, today + this.bundleDays + 1)
    const count = kind !== CODE.status && kind !== CODE.renew ? 0 : Math.max(0, Math.min(REPLY_PAIRS, end - first))
    const atRisk = kind === CODE.status && user.notified === 'pending'
    const reply = {
      kind,
      atRisk,
      serverTime: ntpOf(at),
      replyId: atRisk ? new Writer(8).uint(6, WARNING).bytes : this.#random(8),
      nextPoll: this.nextPoll,
      exposureDay: atRisk ? dayOf(epochStart(this.calendar, user.exposed!)) : (0 as const),
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
