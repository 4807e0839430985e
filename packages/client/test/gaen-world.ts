// One phone of GAEN, its host and its servers under a clock that the test moves. Everything is synchronous: calls wait in a list until the
// test lets them be answered. The servers say what the test lets them say; files of diagnosis keys are real ones.
import { ascii, later, type Random, type UnixSeconds } from '@vicinity/protocol'
import { publicPoint } from '@vicinity/protocol/crypto'
import {
  associatedEncryptedMetadataKey,
  columnsOf,
  type DiagnosisKey,
  ECDSA_WITH_SHA256,
  encryptMetadata,
  intervalAt,
  keyStartAt,
  metadataOf,
  packAdvertisement,
  packArchive,
  packExport,
  packIndex,
  packMetadata,
  parseAdvertisement,
  REPORT_TYPE,
  ROLLING_PERIOD,
  rollingProximityIdentifierKey,
  rollingProximityIdentifiers,
  signExport,
  toBase64,
} from '@vicinity/protocol/gaen'
import {
  advertisementOf,
  DEFAULT_GAEN_PHONE,
  type GaenEffect,
  type GaenEvent,
  type GaenNotice,
  type GaenSettings,
  type GaenState,
  type Heard,
  matchKeys,
  newGaenPhone,
  type Outgoing,
  openKeys,
  restoreGaen,
  snapshotGaen,
  stepGaen,
} from '../src/gaen/index.ts'
import { randomOf } from './random.ts'

export const unix = (utc: string): UnixSeconds => (Date.parse(utc) / 1000) as UnixSeconds
/** A Monday at noon, in the middle of nothing. */
export const NOON = unix('2026-03-09T12:00:00Z')
export const MINUTE = 60
export const HOUR = 3600
export const DAY = 86_400

const SIGNING_KEY = randomOf('exports')(32)
const FOREIGN_KEY = randomOf('somebody else')(32)

export interface Answer {
  readonly status: number
  readonly body: Uint8Array
}
export const json = (status: number, fields: object): Answer => ({ status, body: ascii(JSON.stringify(fields)) })
export const bytes = (body: Uint8Array, status = 200): Answer => ({ status, body })

/** What becomes of a request: an answer, none and the phone is told so, or silence. */
export type Fate = Answer | 'failed' | 'silence'
export type Sent = Extract<GaenEffect, { readonly type: 'send' }>
type Stamped<Effect> = Effect & { readonly stepAt: UnixSeconds }

export interface WorldOptions {
  readonly settings?: Partial<GaenSettings>
  readonly at?: UnixSeconds
  /** Whether the phone is restarted from its snapshot before every step. */
  readonly restarts?: boolean
  readonly random?: Random
}

export const SETTINGS: GaenSettings = {
  ...DEFAULT_GAEN_PHONE,
  trusted: [{ keyId: '310', keyVersion: 'v1', point: publicPoint(SIGNING_KEY) }],
  apiKey: 'api key of the application',
  healthAuthorityId: 'authority',
  chaff: false,
}

export class GaenWorld {
  readonly settings: GaenSettings
  readonly random: Random
  state: GaenState
  now: UnixSeconds
  /** Of the phone's own clock. */
  skew = 0
  /** Comes before what the servers would say. */
  fate: (request: Outgoing) => Fate | undefined = () => undefined
  testType = 'confirmed'
  /** Whether comparisons come to an end. */
  compares = true
  /** Files of diagnosis keys by name; the index names them all. */
  readonly files = new Map<string, Uint8Array>()
  readonly effects: Stamped<GaenEffect>[] = []
  log: Heard[] = []
  readonly #waiting: GaenEffect[] = []
  readonly #restarts: boolean

  constructor({ settings, at = NOON, restarts = false, random = randomOf('phone') }: WorldOptions = {}) {
    this.settings = { ...SETTINGS, ...settings }
    this.random = random
    this.state = newGaenPhone(this.settings)
    this.now = at
    this.#restarts = restarts
  }

  get phoneNow(): UnixSeconds {
    return later(this.now, this.skew)
  }

  /** One event and everything that follows from it at this moment. Gives the effects of all its steps. */
  happens(event: GaenEvent): GaenEffect[] {
    const from = this.effects.length
    this.step(event)
    this.settle()
    return this.effects.slice(from)
  }

  /** One step; what it asks for waits. */
  step(event: GaenEvent): GaenEffect[] {
    if (this.#restarts) this.restart()
    const effects = stepGaen(this.state, event, this.phoneNow, this.random)
    for (const effect of effects) {
      this.effects.push({ ...effect, stepAt: this.now })
      if (effect.type === 'send' || effect.type === 'match') this.#waiting.push(effect)
      if (effect.type === 'keep') this.log.push(effect.heard)
      if (effect.type === 'forget') this.log = this.log.filter(({ at }) => at >= effect.before)
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
    this.state = restoreGaen(JSON.parse(JSON.stringify(snapshotGaen(this.state))), this.settings)
  }

  #answerTo(effect: GaenEffect): GaenEvent | undefined {
    if (effect.type === 'match') {
      if (!this.compares) return undefined
      const found = matchKeys(openKeys(effect.archive, this.settings.trusted), this.log)
      return { type: 'matched', file: effect.file, ...found }
    }
    if (effect.type !== 'send') return undefined
    const { call, request } = effect
    const fate = this.fate(request) ?? this.answerTo(request)
    if (fate === 'silence') return undefined
    return fate === 'failed' ? { type: 'failed', call } : { type: 'answered', call, ...fate }
  }

  /** What servers say to whom they have nothing to object to. */
  answerTo({ path }: Outgoing): Answer {
    if (path === '/api/verify') return json(200, { testtype: this.testType, token: 'a token' })
    if (path === '/api/certificate') return json(200, { certificate: 'a certificate' })
    if (path === '/v1/publish') return json(200, { revisionToken: 'a revision token', insertedExposures: 1 })
    if (path === '/exports/index.txt') return bytes(packIndex([...this.files.keys()]))
    const file = this.files.get(path.replace('/exports/', ''))
    return file === undefined ? json(404, { error: 'no such file' }) : bytes(file)
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

  /** The user enters a code and consents; all requests are answered within two minutes. */
  publish(code = '12345678'): void {
    this.happens({ type: 'declare', code })
    this.happens({ type: 'consent', given: true })
    this.pass(2 * MINUTE)
  }

  /** So long that the phone has looked at the index once more. */
  look(): void {
    this.pass(this.settings.exportInterval)
  }

  notices(): GaenNotice[] {
    return this.effects.flatMap((effect) => (effect.type === 'tell' ? [effect.notice] : []))
  }

  told(): GaenNotice['what'][] {
    return this.notices().map(({ what }) => what)
  }

  sent(path = ''): Stamped<Sent>[] {
    return this.effects.flatMap((effect) =>
      effect.type === 'send' && effect.request.path.startsWith(path) ? [effect] : [],
    )
  }

  /** What the bodies of the requests to a path say. */
  said(path: string): Record<string, unknown>[] {
    return this.sent(path).map(({ request }) => JSON.parse(request.body!) as Record<string, unknown>)
  }

  rotations(): number {
    return this.effects.filter(({ type }) => type === 'rotateAddress').length
  }

  /** The identifier that is broadcast. */
  identifier(): Uint8Array {
    return parseAdvertisement(advertisementOf(this.state)!).rollingProximityIdentifier
  }

  /** Hears somebody once a minute, and a scan before each. */
  meets(person: Person, minutes: number, strength?: number): void {
    for (let k = 0; k < minutes; k++) {
      this.happens({
        type: 'heard',
        advertisement: person.advertisementAt(this.now),
        ...(strength !== undefined && { strength }),
        previousScanAt: later(this.now, -MINUTE),
      })
      this.pass(MINUTE)
    }
  }
}

export const installed = (options: WorldOptions = {}): GaenWorld => new GaenWorld(options).install()

/** Somebody else, with keys of their own. */
export class Person {
  readonly #name: string
  constructor(name: string) {
    this.#name = name
  }

  /** As the authority publishes it. */
  keyOf(at: UnixSeconds, said: Partial<DiagnosisKey> = {}): DiagnosisKey {
    const rollingStart = keyStartAt(at)
    return {
      keyData: randomOf(`${this.#name} ${rollingStart}`)(16),
      rollingStart,
      rollingPeriod: ROLLING_PERIOD,
      transmissionRisk: 2,
      reportType: REPORT_TYPE.confirmedTest,
      daysSinceOnset: 0,
      ...said,
    }
  }

  advertisementAt(at: UnixSeconds, power = -15): Uint8Array {
    const { keyData } = this.keyOf(at)
    const identifier = rollingProximityIdentifiers(rollingProximityIdentifierKey(keyData), intervalAt(at), 1)
    return packAdvertisement({
      rollingProximityIdentifier: identifier,
      encryptedMetadata: encryptMetadata(
        associatedEncryptedMetadataKey(keyData),
        identifier,
        packMetadata(metadataOf(power)),
      ),
    })
  }
}

interface FileOptions {
  readonly revised?: readonly DiagnosisKey[]
  readonly start?: UnixSeconds
  readonly signer?: 'trusted' | 'foreign'
}

/** A file as a key server signs it. */
export function fileOf(keys: readonly DiagnosisKey[], { revised = [], start = NOON, signer }: FileOptions = {}) {
  const header = {
    startTimestamp: start,
    endTimestamp: later(start, 4 * HOUR),
    region: 'XX',
    batchNumber: 1,
    batchSize: 1,
    signatureInfos: [{ verificationKeyVersion: 'v1', verificationKeyId: '310', signatureAlgorithm: ECDSA_WITH_SHA256 }],
  }
  const bin = packExport(header, columnsOf(keys), columnsOf(revised))
  return packArchive(bin, signExport(bin, header, [signer === 'foreign' ? FOREIGN_KEY : SIGNING_KEY]))
}

/** Keys of a state as a publication names them. */
export const namesOf = (state: GaenState): string[] => state.keys.map(({ keyData }) => toBase64(keyData))

/** Bytes that look random, quickly: long ones are taken from a pool. */
export function quickRandom(seed: number): Random {
  let word = Math.imul(seed + 1, 0x9e3779b1) | 1
  const next = () => {
    word ^= word << 13
    word ^= word >>> 17
    word ^= word << 5
    return word >>> 24
  }
  return (length) => {
    if (length <= 32) return Uint8Array.from({ length }, next)
    const from = next()
    return POOL.slice(from, from + length)
  }
}
const POOL = randomOf('pool')(16_384)
