// Performs what a phone asks for. Every host runs its phone through `runEvent`: the same few lines in an application and in the lab.
import type { Call, Random, UnixSeconds } from '@vicinity/protocol'
import type { KeptItem, Notice, PhoneEffect, PhoneEvent } from './events.ts'
import { stepRobert } from './robert.ts'
import type { PhoneState } from './state.ts'

/** What a host can do. Whatever returns a promise is awaited before the next effect; calls and solutions are not. */
export interface Host {
  /** The phone's clock. */
  readonly now: () => UnixSeconds
  /** Rejects with an error whose boolean `refused` says whether the server refused; any other error is a fault of ours. */
  readonly call: Call
  readonly solve: (challenge: Uint8Array) => Promise<Uint8Array>
  readonly log: {
    readonly keep: (items: readonly KeptItem[]) => Promise<void> | void
    readonly forget: (before: UnixSeconds) => Promise<void> | void
    readonly recall: (after: UnixSeconds, before: UnixSeconds) => Promise<readonly KeptItem[]> | readonly KeptItem[]
  }
  readonly rotateAddress: () => void
  readonly setWake: (at: UnixSeconds) => void
  readonly persist: (state: PhoneState) => Promise<void> | void
  readonly tell: (notice: Notice) => void
}

export interface Phone {
  readonly state: PhoneState
  readonly random: Random
  readonly host: Host
}

/** Steps the phone, performs its effects in order, and feeds their answers back; resolves when nothing is left to answer. */
export async function runEvent(phone: Phone, event: PhoneEvent, at: UnixSeconds): Promise<void> {
  const answers: Promise<void>[] = []
  for (const effect of stepRobert(phone.state, event, at, phone.random)) {
    const answer = answerTo(phone.host, effect)
    if (answer !== undefined) answers.push(answer.then((given) => runEvent(phone, given, phone.host.now())))
    else {
      const performed = perform(phone, effect)
      if (performed !== undefined) await performed
    }
  }
  if (answers.length > 0) await Promise.all(answers)
}

/** The event that an effect leads to; undefined for effects without an answer. */
function answerTo(host: Host, effect: PhoneEffect): Promise<PhoneEvent> | undefined {
  if (effect.type === 'call') return callEvent(host.call, effect)
  if (effect.type === 'solve') return host.solve(effect.challenge).then((solution) => ({ type: 'solved', solution }))
  if (effect.type === 'recall') return recallEvent(host, effect.after, effect.before)
  return undefined
}

async function recallEvent(host: Host, after: UnixSeconds, before: UnixSeconds): Promise<PhoneEvent> {
  return { type: 'recalled', items: await host.log.recall(after, before) }
}

async function callEvent(
  call: Call,
  { call: number, endpoint, request }: Extract<PhoneEffect, { readonly type: 'call' }>,
): Promise<PhoneEvent> {
  try {
    const response = await (call as (name: string, request: unknown) => Promise<unknown>)(endpoint, request)
    return { type: 'answered', call: number, endpoint, response } as PhoneEvent
  } catch (error) {
    const refused = error instanceof Error && 'refused' in error ? error.refused : undefined
    if (typeof refused !== 'boolean') throw error
    return { type: 'failed', call: number, refused }
  }
}

function perform({ state, host }: Phone, effect: PhoneEffect): Promise<void> | void {
  if (effect.type === 'keep') return host.log.keep(effect.items)
  if (effect.type === 'forget') return host.log.forget(effect.before)
  if (effect.type === 'rotateAddress') return host.rotateAddress()
  // The latest wish, not this one: while a slow host saved, the phone may have stepped again.
  if (effect.type === 'wake') return host.setWake(state.wakeAt ?? effect.at)
  if (effect.type === 'persist') return host.persist(state)
  if (effect.type === 'tell') return host.tell(effect.notice)
}
