// One phone, its host and its back-end under a clock that the test moves. Everything is synchronous: calls wait in a list until the
// test lets them be answered.
import {
  type EndpointName,
  type Epoch,
  later,
  ntpOf,
  type Random,
  type RequestOf,
  toHex,
  type UnixSeconds,
} from '@vicinity/protocol'
import {
  buildHello,
  makeList,
  type Parameters,
  type PermanentId,
  RESET_TOKEN,
  SEALED_REPLY,
  SPEC,
  solveChallenge,
  withParameters,
} from '@vicinity/protocol/robert'
import {
  type KeptItem,
  type Notice,
  newPhone,
  type PhoneEffect,
  type PhoneEvent,
  type PhoneState,
  restore,
  type Settings,
  snapshot,
  stepRobert,
} from '../src/index.ts'
import { BackEnd, Refusal } from './back-end.ts'
import { randomOf } from './random.ts'

export const unix = (utc: string): UnixSeconds => (Date.parse(utc) / 1000) as UnixSeconds
export const SERVICE_START = unix('2026-03-01T00:00:00Z')
/** A Monday at noon, in the middle of nothing. */
export const NOON = unix('2026-03-09T12:00:00Z')
export const MINUTE = 60
export const HOUR = 3600
export const DAY = 86_400
export const EPOCH = 900

export type CallEffect = Extract<PhoneEffect, { readonly type: 'call' }>
/** What becomes of a call. */
export type Fate = 'answered' | 'requestLost' | 'replyLost' | 'refused' | 'silence'

export interface WorldOptions {
  readonly parameters?: Partial<Parameters>
  readonly filter?: Settings['filter']
  /** Seconds by which the phone's clock is ahead of the back-end's. */
  readonly skew?: number
  readonly at?: UnixSeconds
  /** Whether the phone is restarted from its snapshot before every step. */
  readonly restarts?: boolean
  readonly seed?: string
}

export class World {
  readonly backEnd: BackEnd
  readonly settings: Settings
  readonly random: Random
  state: PhoneState
  /** The back-end's clock. */
  now: UnixSeconds
  skew: number
  fate: (call: CallEffect) => Fate = () => 'answered'
  /** Every effect so far, with the time of its step by the back-end's clock. */
  readonly effects: (PhoneEffect & { readonly stepAt: UnixSeconds })[] = []
  log: KeptItem[] = []
  readonly #waiting: PhoneEffect[] = []
  readonly #restarts: boolean

  constructor(options: WorldOptions = {}) {
    this.backEnd = new BackEnd(withParameters({ proofOfWork: 0, ...options.parameters }), SERVICE_START)
    this.settings = { profile: SPEC, serverPublicKey: this.backEnd.publicKey, filter: options.filter ?? 'none' }
    this.random = randomOf(options.seed ?? 'phone')
    this.state = newPhone(this.settings)
    this.now = options.at ?? NOON
    this.skew = options.skew ?? 0
    this.#restarts = options.restarts ?? false
  }

  /** The time by the phone's own clock. */
  get phoneNow(): UnixSeconds {
    return later(this.now, this.skew)
  }

  /** One event and everything that follows from it at this moment. Gives the effects of all its steps. */
  happens(event: PhoneEvent): PhoneEffect[] {
    const from = this.effects.length
    this.step(event)
    this.settle()
    return this.effects.slice(from)
  }

  /** One step; what it asks for waits. */
  step(event: PhoneEvent): PhoneEffect[] {
    if (this.#restarts) this.restart()
    const effects = stepRobert(this.state, event, this.phoneNow, this.random)
    for (const effect of effects) {
      this.effects.push({ ...effect, stepAt: this.now })
      if (effect.type === 'call' || effect.type === 'solve' || effect.type === 'recall') this.#waiting.push(effect)
      if (effect.type === 'keep') this.log.push(...effect.items)
      if (effect.type === 'forget') this.log = this.log.filter(({ time }) => time >= effect.before)
    }
    return effects
  }

  settle(): void {
    for (let effect = this.#waiting.shift(); effect !== undefined; effect = this.#waiting.shift()) {
      const answer = this.#answerTo(effect)
      if (answer !== undefined) this.step(answer)
    }
  }

  /** The process of the phone ends and begins again: what it waited for never comes. */
  crash(): void {
    this.#waiting.length = 0
    this.restart()
  }

  restart(): void {
    this.state = restore(JSON.parse(JSON.stringify(snapshot(this.state))), this.settings)
  }

  #answerTo(effect: PhoneEffect): PhoneEvent | undefined {
    if (effect.type === 'solve') return { type: 'solved', solution: solveChallenge(effect.challenge) }
    if (effect.type === 'recall') {
      return {
        type: 'recalled',
        items: this.log.filter(({ time }) => effect.after < time && time < effect.before),
      }
    }
    if (effect.type !== 'call') return undefined
    const { call, endpoint, request } = effect
    const fate = this.fate(effect)
    if (fate === 'silence') return undefined
    if (fate === 'requestLost' || fate === 'refused') return { type: 'failed', call, refused: fate === 'refused' }
    try {
      const response = this.backEnd.answer(endpoint, request as RequestOf<EndpointName>, this.now)
      if (fate === 'replyLost') return { type: 'failed', call, refused: false }
      return { type: 'answered', call, endpoint, response } as PhoneEvent
    } catch (error) {
      if (error instanceof Refusal) return { type: 'failed', call, refused: true }
      throw error
    }
  }

  /** Lets time pass; the phone is woken whenever it asked for. */
  runUntil(at: UnixSeconds): void {
    for (;;) {
      const wakeAt = this.state.wakeAt === undefined ? undefined : later(this.state.wakeAt, -this.skew)
      if (wakeAt === undefined || wakeAt > at) break
      this.now = Math.max(wakeAt, this.now) as UnixSeconds
      this.happens({ type: 'wake' })
    }
    this.now = at
  }

  pass(seconds: number): void {
    this.runUntil(later(this.now, seconds))
  }

  install(): this {
    this.happens({ type: 'install' })
    return this
  }

  notices(): Notice[] {
    return this.effects.flatMap((effect) => (effect.type === 'tell' ? [effect.notice] : []))
  }

  told(): Notice['what'][] {
    return this.notices().map(({ what }) => what)
  }

  calls(endpoint?: EndpointName): (CallEffect & { readonly stepAt: UnixSeconds })[] {
    return this.effects.flatMap((effect) =>
      effect.type === 'call' && (endpoint === undefined || effect.endpoint === endpoint) ? [effect] : [],
    )
  }

  types(): PhoneEffect['type'][] {
    return this.effects.map(({ type }) => type)
  }

  /** The codes of the authenticated requests that reached the back-end. */
  codes(): number[] {
    return this.backEnd.asked.map(({ code }) => code)
  }

  /** A HELLO of somebody else now (ROBERT §5.1). */
  helloOf(person: PermanentId, at: UnixSeconds = this.now): Uint8Array {
    const { calendar, context } = this.backEnd
    const epoch = Math.floor((at - calendar.serviceStart) / calendar.epochDuration)
    const { pairs } = makeList(context, person, epoch as Epoch, 1)
    return buildHello(randomOf(`key of ${person}`)(32), pairs, ntpOf(at))
  }

  hears(person: PermanentId, strength?: number): PhoneEffect[] {
    const hello = this.helloOf(person)
    return this.happens(strength === undefined ? { type: 'heard', hello } : { type: 'heard', hello, strength })
  }

  /** Hears somebody once a minute. */
  meets(person: PermanentId, minutes: number, strength?: number): void {
    for (let k = 0; k < minutes; k++) {
      this.hears(person, strength)
      this.pass(MINUTE)
    }
  }
}

/** A phone that registered. */
export const installed = (options: WorldOptions = {}): World => new World(options).install()

/** Exposed, told, acknowledged. */
export function warned(options: WorldOptions = {}): World {
  const world = installed(options)
  world.pass(HOUR)
  world.backEnd.expose(world.now)
  world.pass(8 * HOUR)
  if (world.backEnd.user.notified !== 'acknowledged') throw new Error('the warning was not acknowledged')
  return world
}

/** A token that the authority gave after a negative test; the back-end knows it. */
export function tokenOf(world: World): Uint8Array {
  const token = randomOf('token')(RESET_TOKEN)
  world.backEnd.tests.add(toHex(token))
  return token
}

/** Each request with this code meets its own fate; when the list is over, all are answered. */
export function fatesOf(world: World, code: number, list: readonly Fate[]): void {
  let next = 0
  world.fate = ({ request }) =>
    'request' in request && request.request[0] === code ? (list[next++] ?? 'answered') : 'answered'
}

/** Replies that are random bytes, as every refused request gets. */
export function garble(world: World, when: (code: number) => boolean = () => true): void {
  const answer = world.backEnd.answer.bind(world.backEnd)
  world.backEnd.answer = (endpoint, request, at) => {
    const response = answer(endpoint, request, at)
    const { code } = world.backEnd.asked.at(-1) ?? { code: 0 }
    return endpoint === 'request' && when(code) ? { ...response, reply: new Uint8Array(SEALED_REPLY) } : response
  }
}

/** Each call of a kind meets its own fate; when the list is over, all are answered. */
export function fates(world: World, endpoint: string, list: readonly Fate[]): void {
  let next = 0
  world.fate = (call) => (call.endpoint === endpoint ? (list[next++] ?? 'answered') : 'answered')
}
