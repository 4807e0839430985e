// From the code of the authority to published keys: code, consent, token, certificate, publication. A phone that has nothing to
// publish does the same now and then (chaff): the same requests, of the same sizes, with the same pauses, marked as such.
import { drawBelow, later, type Random, toBase64url, type UnixSeconds } from '@vicinity/protocol'
import { intervalAt, keyStartAt, ROLLING_PERIOD, tekMac, toBase64 } from '@vicinity/protocol/gaen'
import { own } from '../state.ts'
import { backOff } from '../step.ts'
import { send } from './calls.ts'
import type { GaenEvent, Outgoing } from './events.ts'
import { rotate } from './radio.ts'
import type { DailyKey, GaenStep, Publication } from './state.ts'

/** Every request of a publication has this many bytes: what is sent says nothing, nor does whether anything is. */
const BODY_BYTES = 8192
/** Pauses between the requests, as a person would make them. */
const PAUSE = 10
/** A chance of 1 in 12 every four hours: once in two days. */
const CHAFF_EVERY = 4 * 3600
const CHAFF_ODDS = 12
const ACCEPTED = ['confirmed', 'likely', 'negative']
const HMAC_KEY = 16

const newPublication = (code: string, chaff: boolean): Publication => ({
  stage: 'code',
  call: 0,
  due: undefined,
  failures: 0,
  chaff,
  code,
  onset: undefined,
  token: '',
  certificate: '',
  hmacKey: new Uint8Array(0),
  keys: [],
})

/** Remembers the code and nothing more: without consent no byte leaves the phone. */
export function declare(step: GaenStep, event: Extract<GaenEvent, { readonly type: 'declare' }>): void {
  const { state } = step
  if (!state.installed) return
  if (state.publication !== undefined && !state.publication.chaff && state.publication.stage !== 'code') return
  const code = event.code.replaceAll(/[\s-]/g, '')
  if (!/^[0-9A-Za-z]{6,40}$/.test(code)) {
    step.effects.push({ type: 'tell', notice: { what: 'codeRefused' } })
    return
  }
  state.publication = { ...newPublication(code, false), onset: event.onset }
  step.effects.push({ type: 'persist' })
}

export function consent(step: GaenStep, event: Extract<GaenEvent, { readonly type: 'consent' }>): void {
  const { publication } = step.state
  if (publication === undefined || publication.chaff || publication.stage !== 'code') return
  if (event.given) goOn(step, publication, 'verify', step.at)
  else step.state.publication = undefined
  step.effects.push({ type: 'persist' })
}

function goOn(step: GaenStep, publication: Publication, stage: Publication['stage'], at: UnixSeconds): void {
  publication.stage = stage
  publication.call = 0
  publication.failures = 0
  publication.due = at
  step.effects.push({ type: 'persist' })
}

const afterPause = (step: GaenStep): UnixSeconds => later(step.at, 1 + drawBelow(step.random, PAUSE))

/** Chaff begins by chance, and never in the way of a real publication. */
export function runChaff(step: GaenStep): void {
  const { state, at, random } = step
  state.nextChaff = later(at, CHAFF_EVERY)
  if (drawBelow(random, CHAFF_ODDS) !== 0 || state.publication !== undefined) return
  state.publication = newPublication('00000000', true)
  goOn(step, state.publication, 'verify', later(at, drawBelow(random, CHAFF_EVERY)))
}

export function planChaff(step: GaenStep): void {
  const { state, at, random } = step
  if (state.settings.chaff) state.nextChaff = later(at, drawBelow(random, CHAFF_EVERY))
}

export function runPublication(step: GaenStep, publication: Publication): void {
  if (publication.call !== 0) backOff(step, publication)
  else if (publication.stage === 'verify') send(step, publication, verify(step, publication))
  else if (publication.stage === 'certificate') send(step, publication, certificate(step, publication))
  else send(step, publication, publish(step, publication))
}

function post(step: GaenStep, publication: Publication, path: string, fields: object): Outgoing {
  return {
    method: 'POST',
    path,
    body: padded(fields, step.random),
    headers: {
      'content-type': 'application/json',
      'x-api-key': step.state.settings.apiKey,
      // As long as the other: a marker must not show by its size.
      [publication.chaff ? 'x-chaff' : 'x-usual']: '1',
    },
  }
}

const verify = (step: GaenStep, publication: Publication): Outgoing =>
  post(step, publication, '/api/verify', { code: publication.code, accept: ACCEPTED })

/** The certificate binds the keys: from here on they do not change any more. */
function certificate(step: GaenStep, publication: Publication): Outgoing {
  if (publication.keys.length === 0) {
    publication.keys = keysToPublish(step, publication)
    publication.hmacKey = own(step.random(HMAC_KEY))
    step.effects.push({ type: 'persist' })
  }
  const mac = tekMac(publication.keys.map(asPublished), publication.hmacKey)
  return post(step, publication, '/api/certificate', { token: publication.token, ekeyhmac: toBase64(mac) })
}

/**
 * All keys of the last days. That of today is cut short at the interval before this one and a new one takes its place, so that nobody
 * can be followed by it; or it goes whole, and the server holds it back until it has ended.
 */
function keysToPublish(step: GaenStep, publication: Publication): DailyKey[] {
  const { state, at } = step
  if (publication.chaff) return [{ keyData: own(step.random(16)), rollingStart: keyStartAt(at), rollingPeriod: 1 }]
  const today = state.keys.at(-1)
  const elapsed = intervalAt(at) - (today?.rollingStart ?? 0)
  if (state.settings.sameDayKey === 'cut' && today?.rollingPeriod === ROLLING_PERIOD && elapsed < ROLLING_PERIOD) {
    if (elapsed > 0) today.rollingPeriod = elapsed
    else state.keys.pop()
    rotate(step)
    return state.keys.slice(0, -1).map((key) => ({ ...key }))
  }
  return state.keys.map((key) => ({ ...key }))
}

const asPublished = ({ keyData, rollingStart, rollingPeriod }: DailyKey) => ({
  key: toBase64(keyData),
  rollingStartNumber: rollingStart,
  rollingPeriod,
  transmissionRisk: 0,
})

function publish(step: GaenStep, publication: Publication): Outgoing {
  const { state } = step
  return post(step, publication, '/v1/publish', {
    temporaryExposureKeys: publication.keys.map(asPublished),
    healthAuthorityID: state.settings.healthAuthorityId,
    verificationPayload: publication.certificate,
    hmacKey: toBase64(publication.hmacKey),
    ...(publication.onset !== undefined && { symptomOnsetInterval: publication.onset * ROLLING_PERIOD }),
    traveler: false,
    revisionToken: state.revisionToken,
  })
}

/** Filled with random text to the size that every request has. */
function padded(fields: object, random: Random): string {
  const length = JSON.stringify({ ...fields, padding: '' }).length
  const missing = Math.max(0, BODY_BYTES - length)
  const padding = toBase64url(random(Math.ceil((missing * 3) / 4))).slice(0, missing)
  return JSON.stringify({ ...fields, padding })
}

export function publicationAnswered(step: GaenStep, status: number, body: Uint8Array): void {
  const publication = step.state.publication!
  publication.call = 0
  // The answer to chaff means nothing; the next request follows all the same.
  const answer = publication.chaff ? {} : jsonOf(body)
  if (!publication.chaff && (status >= 500 || status === 429 || answer === undefined)) backOff(step, publication)
  else if (publication.chaff || status === 200) ANSWERS[publication.stage](step, publication, answer!)
  else refused(step)
}

/** A token or a certificate that ran out, a code that nobody issued: the user asks for another code. */
function refused(step: GaenStep): void {
  step.state.publication = undefined
  step.effects.push({ type: 'tell', notice: { what: 'codeRefused' } }, { type: 'persist' })
}

export function publicationFailed(step: GaenStep): void {
  const publication = step.state.publication!
  if (publication.chaff) step.state.publication = undefined
  else backOff(step, publication)
}

type Answer = Readonly<Record<string, unknown>>
const textOf = (answer: Answer, name: string): string => (typeof answer[name] === 'string' ? answer[name] : '')

const ANSWERS: Readonly<
  Record<Publication['stage'], (step: GaenStep, publication: Publication, answer: Answer) => void>
> = {
  code: () => {},
  verify: (step, publication, answer) => {
    publication.token = textOf(answer, 'token')
    goOn(step, publication, 'certificate', afterPause(step))
  },
  certificate: (step, publication, answer) => {
    publication.certificate = textOf(answer, 'certificate')
    goOn(step, publication, 'publish', afterPause(step))
  },
  publish: (step, publication, answer) => {
    const { state } = step
    state.publication = undefined
    if (!publication.chaff) {
      state.revisionToken = textOf(answer, 'revisionToken')
      const notice = { what: 'keysPublished', count: publication.keys.length } as const
      step.effects.push({ type: 'tell', notice })
    }
    step.effects.push({ type: 'persist' })
  },
}

function jsonOf(body: Uint8Array): Answer | undefined {
  try {
    const json: unknown = JSON.parse(new TextDecoder().decode(body))
    return typeof json === 'object' && json !== null ? (json as Answer) : undefined
  } catch {
    return undefined
  }
}
