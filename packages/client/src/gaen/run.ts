// Performs what a phone of GAEN asks for: the same few lines in an application and in the lab.
import type { Random, UnixSeconds } from '@vicinity/protocol'
import type { GaenEffect, GaenEvent, GaenNotice, Heard, Outgoing } from './events.ts'
import { matchKeys, type openKeys } from './match-archive.ts'
import { stepGaen } from './phone.ts'
import type { GaenState } from './state.ts'

/** What a host can do. Whatever returns a promise is awaited before the next effect; requests and comparisons are not. */
export interface GaenHost {
  /** The phone's clock. */
  readonly now: () => UnixSeconds
  /** Undefined when there was no answer. */
  readonly send: (request: Outgoing) => Promise<{ readonly status: number; readonly body: Uint8Array } | undefined>
  /** What was heard, in order of time. */
  readonly log: {
    readonly keep: (heard: Heard) => Promise<void> | void
    readonly forget: (before: UnixSeconds) => Promise<void> | void
    readonly all: () => Promise<readonly Heard[]> | readonly Heard[]
  }
  /** Where many phones share a host they share what is opened; else simply `openKeys`. */
  readonly open: typeof openKeys
  readonly rotateAddress: () => void
  readonly setWake: (at: UnixSeconds) => void
  readonly persist: (state: GaenState) => Promise<void> | void
  readonly tell: (notice: GaenNotice) => void
}

export interface GaenPhone {
  readonly state: GaenState
  readonly random: Random
  readonly host: GaenHost
}

/** Steps the phone, performs its effects in order, and feeds their answers back; resolves when nothing is left to answer. */
export async function runGaenEvent(phone: GaenPhone, event: GaenEvent, at: UnixSeconds): Promise<void> {
  const answers: Promise<void>[] = []
  for (const effect of stepGaen(phone.state, event, at, phone.random)) {
    const answer = answerTo(phone, effect)
    if (answer !== undefined) answers.push(answer.then((given) => runGaenEvent(phone, given, phone.host.now())))
    else {
      const performed = perform(phone, effect)
      if (performed !== undefined) await performed
    }
  }
  if (answers.length > 0) await Promise.all(answers)
}

/** The event that an effect leads to; undefined for effects without an answer. */
function answerTo({ state, host }: GaenPhone, effect: GaenEffect): Promise<GaenEvent> | undefined {
  if (effect.type === 'send') return sent(host, effect.call, effect.request)
  if (effect.type === 'match') return compared(state, host, effect)
  return undefined
}

async function sent(host: GaenHost, call: number, request: Outgoing): Promise<GaenEvent> {
  const answer = await host.send(request)
  return answer === undefined ? { type: 'failed', call } : { type: 'answered', call, ...answer }
}

async function compared(
  state: GaenState,
  host: GaenHost,
  { file, archive }: Extract<GaenEffect, { readonly type: 'match' }>,
): Promise<GaenEvent> {
  const opened = host.open(archive, state.settings.trusted)
  return { type: 'matched', file, ...matchKeys(opened, await host.log.all()) }
}

function perform({ state, host }: GaenPhone, effect: GaenEffect): Promise<void> | void {
  if (effect.type === 'keep') return host.log.keep(effect.heard)
  if (effect.type === 'forget') return host.log.forget(effect.before)
  if (effect.type === 'rotateAddress') return host.rotateAddress()
  // The latest wish, not this one: while a slow host saved, the phone may have stepped again.
  if (effect.type === 'wake') return host.setWake(state.wakeAt ?? effect.at)
  if (effect.type === 'persist') return host.persist(state)
  if (effect.type === 'tell') return host.tell(effect.notice)
}
