// Registration (ROBERT §3.3): key pair, proof of work, key agreement, the first list of identifiers.
import { dayOf, epochAt, LAST_EPOCH, later, type ResponseOf, unixOf } from '@vicinity/protocol'
import { drawPrivateKey, publicPoint } from '@vicinity/protocol/crypto'
import {
  agreeKeys,
  type IdentifierList,
  openFrom,
  PARAMETERS,
  type Profile,
  type SharedKeys,
} from '@vicinity/protocol/robert'
import type { PhoneEvent } from './events.ts'
import { dropIdentifiers, mergeIdentifiers } from './identifiers.ts'
import { tellBroadcasting, turn } from './radio.ts'
import { own, type Registration } from './state.ts'
import { backOff, issue, persist, type Step, tell } from './step.ts'

/** No challenge lives longer: a solution that comes later is of no use. */
const SOLVE_PATIENCE = PARAMETERS.challengeLife.most

/** A reply cannot make a phone ask in a loop, nor never again. */
const SHORTEST_POLL = 60
export const LONGEST_POLL = 172_800
export const withinPolls = (seconds: number): number => Math.min(Math.max(seconds, SHORTEST_POLL), LONGEST_POLL)

export function install(step: Step): void {
  const { state } = step
  if (state.registration === undefined && state.keys === undefined) begin(step, false)
}

/** The back-end no longer knows this phone: keys and identifiers go, a new account begins without a warning. */
export function registerAnew(step: Step): void {
  const { state } = step
  dropIdentifiers(state)
  state.keys = undefined
  state.poll = undefined
  state.lastCode = 0
  state.lastStatusEpoch = undefined
  state.unopened = 0
  state.notified = false
  state.exposureDay = 0
  state.warning = undefined
  tellBroadcasting(step)
  begin(step, true)
  persist(step)
}

function begin(step: Step, anew: boolean): void {
  const privateKey = own(drawPrivateKey(step.random))
  step.state.registration = {
    stage: 'challenge',
    call: 0,
    due: step.at,
    failures: 0,
    anew,
    privateKey,
    publicKey: own(publicPoint(privateKey)),
    challenge: new Uint8Array(),
    solution: new Uint8Array(),
  }
}

/** Begins again with a new key pair: the old one may be registered already, by an answer that got lost. */
function startOver(step: Step, registration: Registration): void {
  begin(step, registration.anew)
  const fresh = step.state.registration!
  fresh.failures = registration.failures
  backOff(step, fresh)
}

/** What is due in a registration. */
export function runRegistration(step: Step, registration: Registration): void {
  const { stage, publicKey, challenge, solution } = registration
  if (registration.call !== 0) registrationFailed(step, registration, false)
  else if (stage === 'challenge') issue(step, registration, 'challenge', { publicKey })
  else if (stage === 'register') issue(step, registration, 'register', { publicKey, challenge, solution })
  else startOver(step, registration)
}

export function registrationFailed(step: Step, registration: Registration, refused: boolean): void {
  if (registration.stage === 'register' && refused) startOver(step, registration)
  else backOff(step, registration)
}

export function challengeAnswered(step: Step, response: ResponseOf<'challenge'>): void {
  const registration = step.state.registration!
  registration.challenge = own(response.challenge)
  registration.stage = 'solve'
  registration.call = 0
  registration.due = later(step.at, SOLVE_PATIENCE)
  step.effects.push({ type: 'solve', challenge: registration.challenge })
}

export function solved(step: Step, event: Extract<PhoneEvent, { readonly type: 'solved' }>): void {
  const { registration } = step.state
  if (registration?.stage !== 'solve') return
  registration.solution = own(event.solution)
  registration.stage = 'register'
  registration.due = step.at
}

/** ROBERT §3.3: both keys from the shared secret. An answer that they do not open is a failure like no answer. */
export function registerAnswered(step: Step, response: ResponseOf<'register'>): void {
  const { settings, registration } = step.state
  const keys = agreeKeys(settings.profile, registration!.privateKey, settings.serverPublicKey)
  const list = keys && firstList(settings.profile, keys, response.list)
  if (keys === undefined || list === undefined) startOver(step, registration!)
  else complete(step, registration!, keys, list, response)
}

/** ROBERT §3.3: the phone is configured with keys, calendar, and the first identifiers. */
function complete(
  step: Step,
  registration: Registration,
  keys: SharedKeys,
  list: IdentifierList,
  response: ResponseOf<'register'>,
): void {
  const { state } = step
  const { serviceStart, parameters } = response.service
  state.service = { calendar: { serviceStart, epochDuration: parameters.epochDuration }, parameters }
  state.keys = { authenticationKey: own(keys.authenticationKey), encryptionKey: own(keys.encryptionKey) }
  state.registration = undefined
  registration.privateKey.fill(0)
  setClock(step, response)
  state.forgotten ??= dayOf(step.now)
  dropIdentifiers(state)
  mergeIdentifiers(state, list, epochAt(state.service.calendar, step.now))
  const next = later(step.at, withinPolls(response.nextPoll))
  state.poll = { stage: 'request', call: 0, due: next, failures: 0, next, sending: undefined }
  persist(step)
  if (registration.anew) tell(step, { what: 'registeredAnew' })
  state.epoch = undefined
  turn(step)
}

/** The first identifiers, or undefined when they cannot be opened or there are none. */
function firstList(profile: Profile, keys: SharedKeys, sealed: Uint8Array): IdentifierList | undefined {
  const opened = openFrom(keys.encryptionKey, sealed)
  if (opened === undefined) return undefined
  try {
    const list = profile.listCodec.decode(opened, 'list')
    return list.pairs.length > 0 && list.first <= LAST_EPOCH ? list : undefined
  } catch {
    return undefined
  }
}

/** A phone whose clock is wrong could never ask: its requests would be too old or too new (ROBERT §7 step 2). */
function setClock(step: Step, response: ResponseOf<'register'>): void {
  step.state.clockOffset = unixOf(response.serverTime) - step.at
  step.now = later(step.at, step.state.clockOffset)
}
