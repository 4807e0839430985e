// From the code of the authority to published keys: code, consent, token, certificate, publication. A phone that has nothing to
// publish does the same now and then (chaff): the same requests, of the same sizes, with the same pauses and retries, marked as such.
import { drawBelow, later, type UnixSeconds, type UtcDay } from '@vicinity/protocol'
import { GAEN_SIZE, keyStartAt, ROLLING_PERIOD } from '@vicinity/protocol/gaen'
import { own } from '../state.ts'
import { backOff } from '../step.ts'
import { asksToComeBack, persist, send, tell } from './calls.ts'
import type { GaenEvent } from './events.ts'
import { keysToPublish, noteFate } from './publication-keys.ts'
import { requestOf } from './publication-requests.ts'
import type { GaenStep, Publication } from './state.ts'

/** Pauses between the requests, as a person would make them. */
const PAUSE = 10
/** Failures of one request in a row: with their pauses about a day, the life of a code and of a token. */
const MOST_FAILURES = 24
const HMAC_KEY = 16

function newPublication(code: string, chaff: boolean, onset?: UtcDay): Publication {
  const activity = { stage: 'code', call: 0, due: undefined, failures: 0 } as const
  const answers = { testType: '', token: '', certificate: '' }
  return { ...activity, chaff, code, onset, ...answers, hmacKey: new Uint8Array(0), keys: [], unanswered: false }
}

/** A code as it was sent or typed: digits, or digits and small letters. */
function normaliseCode(typed: string): string | undefined {
  const code = typed.replaceAll(/[\s-]/g, '').toLowerCase()
  return /^[0-9a-z]{6,40}$/.test(code) ? code : undefined
}

/** Remembers the code and nothing more: without consent no byte leaves the phone. */
export function declare(step: GaenStep, event: Extract<GaenEvent, { readonly type: 'declare' }>): void {
  const { state } = step
  if (!state.installed || (state.publication !== undefined && state.publication.stage !== 'code')) return
  const code = normaliseCode(event.code)
  state.publication = code === undefined ? undefined : newPublication(code, false, event.onset)
  if (code === undefined) tell(step, { what: 'codeRefused' })
  persist(step)
}

const hasBegun = ({ stage, call, failures }: Publication): boolean => stage !== 'verify' || call !== 0 || failures > 0

export function consent(step: GaenStep, event: Extract<GaenEvent, { readonly type: 'consent' }>): void {
  const { state } = step
  const { publication } = state
  if (publication === undefined) return
  if (!event.given) withdraw(step, publication)
  else if (publication.stage === 'code') {
    // Chaff that has begun ends first: cut off it would look like none, and the two together like a real one.
    if (state.chaff !== undefined && !hasBegun(state.chaff)) state.chaff = undefined
    goOn(step, publication, 'verify', state.chaff === undefined ? step.at : undefined)
  }
  persist(step)
}

/** What is on its way to the key server cannot be held back any more. */
function withdraw(step: GaenStep, publication: Publication): void {
  if (publication.stage === 'code' || !hasBegun(publication)) step.state.publication = undefined
  else if (publication.stage !== 'publish' || publication.call === 0) goOnAsChaff(step, publication)
}

function goOn(
  step: GaenStep,
  publication: Publication,
  stage: Publication['stage'],
  due: UnixSeconds | undefined,
): void {
  publication.stage = stage
  publication.call = 0
  publication.failures = 0
  publication.due = due
  persist(step)
}

const afterPause = (step: GaenStep): UnixSeconds => later(step.at, 1 + drawBelow(step.random, PAUSE))

/** A chance of 1 in 12 every four hours: once in two days. */
const CHAFF_EVERY = 4 * 3600
const CHAFF_ODDS = 12
const NO_CODE = '00000000'

/** Chaff begins by chance, and never in the way of a real publication. */
export function planChaff(step: GaenStep): void {
  const { state, at, random } = step
  if (!state.settings.chaff) {
    state.nextChaff = undefined
    return
  }
  // A clock that was set back must not end it.
  if (state.nextChaff === undefined || state.nextChaff - at > CHAFF_EVERY) {
    state.nextChaff = later(at, drawBelow(random, CHAFF_EVERY))
  }
  if (state.nextChaff > at) return
  state.nextChaff = later(at, CHAFF_EVERY)
  const isBusy = state.chaff !== undefined || (state.publication !== undefined && state.publication.stage !== 'code')
  if (drawBelow(random, CHAFF_ODDS) !== 0 || isBusy) return
  state.chaff = newPublication(NO_CODE, true)
  goOn(step, state.chaff, 'verify', later(at, drawBelow(random, CHAFF_EVERY)))
}

/**
 * What began goes on in form, and with nothing of what it was: who watches does not learn that it was refused, had nothing to publish, or that
 * the user thought better of it.
 */
function goOnAsChaff({ state }: GaenStep, { stage, call, due, failures }: Publication): Publication {
  state.publication = undefined
  state.chaff = { ...newPublication(NO_CODE, true), stage, call, due, failures }
  return state.chaff
}

/** The last request was answered, or there will be none. */
function end(step: GaenStep, publication: Publication): void {
  const { state } = step
  if (publication.chaff) state.chaff = undefined
  else state.publication = undefined
  // It waited for the chaff.
  if (publication.chaff && state.publication?.stage === 'verify') state.publication.due = afterPause(step)
  persist(step)
}

export function runPublication(step: GaenStep, publication: Publication): void {
  if (publication.call !== 0) {
    publicationFailed(step, publication)
    return
  }
  const isDecided = publication.stage === 'verify' || publication.keys.length > 0
  const chosen = isDecided ? publication : chooseKeys(step, publication)
  // Before it leaves: a phone that is restarted has to know that the server may have it.
  persist(step)
  send(step, chosen, requestOf(step, chosen))
}

/** The certificate binds the keys: from here on they do not change any more. */
function chooseKeys(step: GaenStep, publication: Publication): Publication {
  const { at, random } = step
  publication.hmacKey = own(random(HMAC_KEY))
  if (!publication.chaff) {
    publication.keys = keysToPublish(step, publication.testType)
    if (publication.keys.length > 0) return publication
    tellPublished(step, publication)
    return chooseKeys(step, goOnAsChaff(step, publication))
  }
  const keyData = own(random(GAEN_SIZE.temporaryExposureKey))
  publication.keys = [{ keyData, rollingStart: keyStartAt(at), rollingPeriod: ROLLING_PERIOD }]
  return publication
}

const isNegative = ({ testType }: Publication): boolean => testType === 'negative'

function tellPublished(step: GaenStep, publication: Publication): void {
  tell(step, {
    what: isNegative(publication) ? 'keysTakenBack' : 'keysPublished',
    count: publication.keys.length,
  })
}

/** No answer, or one that says nothing about what was asked. Chaff makes way for a real publication that waits. */
export function publicationFailed(step: GaenStep, publication: Publication): void {
  const { state } = step
  const { chaff, stage } = publication
  if (stage === 'publish' && !chaff) {
    publication.unanswered = true
    noteFate(state, publication.keys, 'sent', ['private'])
  }
  const isInTheWay = chaff && state.publication?.stage === 'verify'
  if (!isInTheWay && publication.failures < MOST_FAILURES) {
    backOff(step, publication)
    return
  }
  if (!chaff) tell(step, { what: 'codeRefused' })
  end(step, publication)
}

export function publicationAnswered(step: GaenStep, publication: Publication, status: number, body: Uint8Array): void {
  publication.call = 0
  const answer = jsonOf(body)
  const code = codeOf(answer ?? {})
  const saysNothing = asksToComeBack(status) || code === 'internal_error'
  // What chaff is told means nothing; the next request follows all the same.
  if (publication.chaff && !saysNothing) next(step, publication)
  else if (saysNothing || answer === undefined || (status !== 200 && code === '')) publicationFailed(step, publication)
  else if (status === 200) taken(step, publication, answer)
  else refused(step, publication, code)
}

const NEXT: Readonly<Record<Publication['stage'], Publication['stage'] | undefined>> = {
  code: 'verify',
  verify: 'certificate',
  certificate: 'publish',
  publish: undefined,
}

function next(step: GaenStep, publication: Publication): void {
  const stage = NEXT[publication.stage]
  if (stage === undefined) end(step, publication)
  else goOn(step, publication, stage, afterPause(step))
}

/** An answer without what it is for is none. */
function taken(step: GaenStep, publication: Publication, answer: Answer): void {
  if (publication.stage === 'publish') published(step, publication, textOf(answer, 'revisionToken'))
  else {
    const name = publication.stage === 'verify' ? 'token' : 'certificate'
    const text = textOf(answer, name)
    if (text === '') {
      publicationFailed(step, publication)
      return
    }
    publication[name] = text
    if (name === 'token') publication.testType = textOf(answer, 'testtype')
  }
  next(step, publication)
}

/** Without a token, and once they were taken back, nothing can be said of the keys any more. */
function published(step: GaenStep, publication: Publication, revisionToken: string): void {
  const { state } = step
  const isClosed = revisionToken === '' || isNegative(publication)
  if (revisionToken !== '') state.revisionToken = revisionToken
  noteFate(state, publication.keys, isClosed ? 'closed' : 'published', ['private', 'sent', 'published'])
  tellPublished(step, publication)
}

/** The key server has a key that the token does not name: it came with a publication whose answer was lost. */
const NOT_NAMED = ['missing_revision_token', 'invalid_revision_token']

/** The user asks for another code, unless it was this very publication that arrived. */
function refused(step: GaenStep, publication: Publication, code: string): void {
  const { state } = step
  const hasArrived = publication.unanswered && NOT_NAMED.includes(code)
  if (NOT_NAMED.includes(code)) noteFate(state, publication.keys, 'closed', ['sent'])
  if (hasArrived) tellPublished(step, publication)
  else tell(step, { what: 'codeRefused' })
  next(step, publication.stage === 'publish' ? publication : goOnAsChaff(step, publication))
}

type Answer = Readonly<Record<string, unknown>>

/** Texts of the servers go into later requests, whose length is counted in characters. */
function textOf(answer: Answer, name: string): string {
  const text = answer[name]
  return typeof text === 'string' && /^[\x20-\x7e]*$/.test(text) ? text : ''
}

/** What was refused, in the words of either server; empty where it does not say. */
const codeOf = (answer: Answer): string =>
  textOf(answer, 'errorCode') || textOf(answer, 'error_code') || textOf(answer, 'code')

/** Undefined for what is no JSON object: whoever answered was not the server. */
function jsonOf(body: Uint8Array): Answer | undefined {
  try {
    const json: unknown = JSON.parse(new TextDecoder().decode(body))
    return typeof json === 'object' && json !== null && !Array.isArray(json) ? (json as Answer) : undefined
  } catch {
    return undefined
  }
}
