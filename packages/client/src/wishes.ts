// What a user may want of the back-end besides her status (ROBERT appendix C): to leave, to have her exposures forgotten, to end a
// warning after a negative test. Each takes the place of a status request, so that the traffic stays that of every other phone.
import { CODE, RESET_TOKEN } from '@vicinity/protocol/robert'
import type { PhoneEvent } from './events.ts'
import { newPhone, own, type PhoneState, type Wish } from './state.ts'
import { persist, type Step, tell } from './step.ts'

function wish(step: Step, code: Wish['code'], payload: Uint8Array = new Uint8Array()): void {
  step.state.wish = { code, payload, sent: false, unopened: 0, done: false }
  persist(step)
}

/** Leaving cannot wait: what was heard goes at once, and the request leaves as soon as no other is on its way. */
export function leave(step: Step): void {
  const { state, at } = step
  state.observations = []
  state.declaration = undefined
  step.effects.push({ type: 'forget', before: Number.MAX_SAFE_INTEGER as typeof at })
  const { poll } = state
  if (state.keys === undefined || poll === undefined) {
    wipe(step)
    return
  }
  if (!leaves(state)) wish(step, CODE.unregister)
  if (poll.call === 0 && poll.sending === undefined) poll.due = at
}

export function eraseHistory(step: Step): void {
  if (step.state.keys !== undefined && !leaves(step.state)) wish(step, CODE.deleteHistory)
}

export function negativeTest(step: Step, event: Extract<PhoneEvent, { readonly type: 'negativeTest' }>): void {
  if (step.state.keys === undefined || leaves(step.state)) return
  if (event.token.length === RESET_TOKEN) wish(step, CODE.reset, own(event.token))
  else tell(step, { what: 'testRefused' })
}

const leaves = (state: PhoneState): boolean => state.wish?.code === CODE.unregister

/** What a reply means for the wish. One that cannot be opened says nothing; a token that resets nothing looks like that too. */
export function wishAnswered(step: Step, code: number, opened: boolean): void {
  const { state } = step
  const asked = state.wish
  // What is on its way may be an earlier wish of the same kind.
  if (asked?.code !== code || !asked.sent) return
  if (!opened) asked.unopened++
  const limit = state.service!.parameters.unopenedReplies
  if (asked.code === CODE.unregister) {
    // After so many tries the account is gone, or was gone before.
    asked.done = opened || asked.unopened >= limit
    return
  }
  if (!opened && asked.code === CODE.deleteHistory && asked.unopened < limit) return
  state.wish = undefined
  if (opened && asked.code === CODE.reset) forgetWarning(state)
  const { answered, refused } = NOTICES[asked.code]
  const what = opened ? answered : refused
  if (what !== undefined) tell(step, { what })
}

const NOTICES = {
  [CODE.deleteHistory]: { answered: 'historyErased', refused: undefined },
  [CODE.reset]: { answered: 'warningEnded', refused: 'testRefused' },
} as const

export function forgetWarning(state: PhoneState): void {
  state.notified = false
  state.exposureDay = 0
  state.warning = undefined
}

/** After the last acknowledgement of an account nothing of it stays on the phone. Whether the phone has left. */
export function finishLeaving(step: Step): boolean {
  const { state } = step
  if (!leaves(state)) return false
  if (state.wish!.done) wipe(step)
  // Another exchange was under way when she decided to leave: hers follows at once.
  else if (!state.wish!.sent) state.poll!.due = step.at
  return true
}

/** Leaving with identifiers that nobody understands any more: there is nothing to ask for. Whether the phone has left. */
export function leaveUnheard(step: Step): boolean {
  if (!leaves(step.state)) return false
  wipe(step)
  return true
}

/** Keys and identifiers are overwritten; the phone is as new, and may be installed again under another identifier. */
function wipe(step: Step): void {
  const { state } = step
  for (const segment of state.identifiers) segment.pairs.fill(0)
  state.keys?.authenticationKey.fill(0)
  state.keys?.encryptionKey.fill(0)
  const { calls } = state
  Object.assign(state, { ...newPhone(state.settings), calls })
  tell(step, { what: 'left' })
  persist(step)
}
