// Broken lines of the phone: ROBERT §5, §6.1 and the application's side of §7.
import { clientTests, mutationsOf } from './mutation.ts'

const radio = mutationsOf('packages/client/src/radio.ts', clientTests('radio'), [
  {
    step: 'ROBERT §5.2 step 3',
    breaks: 'HELLOs of any time are kept',
    before: 'if (!isClose) return undefined',
    after: '',
  },
  {
    step: 'ROBERT §5.2, thinned',
    breaks: 'thinning is off: every HELLO is an item',
    before: 'if (sameEbid(observation.hello, SIZE.ecc, hello.ebid)) return observation',
    after: '',
  },
  {
    step: 'ROBERT §5.2, thinned',
    breaks: 'every HELLO counts for a minute',
    before: 'if (minute !== observation.lastMinute) {',
    after: 'if (minute >= observation.lastMinute) {',
  },
  {
    step: 'ROBERT §5.2',
    breaks: 'a phone keeps its own HELLO that comes back',
    before: 'if (mine !== undefined && sameEbid(mine, 0, hello.ebid)) return undefined',
    after: '',
  },
  {
    step: 'ROBERT footnote 4',
    breaks: 'the address stays when the identifier changes',
    before: "step.effects.push({ type: 'rotateAddress' })",
    after: '',
  },
  {
    step: 'ROBERT §5.2, note: CT',
    breaks: 'what was heard CT days ago stays a day longer',
    before:
      "step.effects.push({ type: 'forget', before: later(now, -state.service.parameters.contagiousDays * DAY_SECONDS) })",
    after:
      "step.effects.push({ type: 'forget', before: later(now, -(state.service.parameters.contagiousDays + 1) * DAY_SECONDS) })",
  },
  {
    step: 'ROBERT §5.1: the time in a HELLO',
    breaks: "HELLOs carry the phone's own clock",
    before: 'const now = later(at, state.clockOffset)',
    after: 'const now = later(at, 0)',
    tests: clientTests('register', 'radio'),
  },
  {
    step: 'item: median strength',
    breaks: 'of two middle strengths the nearer is kept',
    before: 'let rest = Math.floor(known / 2)',
    after: 'let rest = Math.floor((known - 1) / 2)',
  },
])

const identifiers = mutationsOf('packages/client/src/identifiers.ts', clientTests('poll', 'radio'), [
  {
    step: 'ROBERT §4: lists',
    breaks: 'identifiers that were broadcast are replaced',
    before: 'const wanted = k < count && pairAt(state, list.first + k) === undefined',
    after: 'const wanted = k < count',
  },
  {
    step: 'ROBERT §5.1: past identifiers go',
    breaks: 'a seized phone holds the identifiers of the day so far',
    before: 'segment.pairs.fill(0, 0, over)',
    after: '',
  },
])

const choose = mutationsOf('packages/client/src/choose.ts', clientTests('choose'), [
  {
    step: 'ROBERT §6.1: ContStart < Time',
    breaks: 'the start of the window is inside',
    before: 'item.length === SIZE.item && window.contagiousFrom < time && time < window.contagiousTo',
    after: 'item.length === SIZE.item && window.contagiousFrom <= time && time < window.contagiousTo',
  },
  {
    step: 'ROBERT §6.1: Time < ContEnd',
    breaks: 'the end of the window is inside',
    before: 'item.length === SIZE.item && window.contagiousFrom < time && time < window.contagiousTo',
    after: 'item.length === SIZE.item && window.contagiousFrom < time && time <= window.contagiousTo',
  },
  {
    step: 'filter before upload',
    breaks: 'nobody is filtered out',
    before: "const passing = filter === 'none' ? inside : filterHeard(inside, parameters)",
    after: 'const passing = filter && parameters ? inside : filterHeard(inside, parameters)',
  },
  {
    step: 'filter before upload: two minutes',
    breaks: 'two minutes are not enough',
    before:
      'return [...groups.values()].filter((group) => minutesOf(group) >= parameters.filterMinutes && group.some(near)).flat()',
    after:
      'return [...groups.values()].filter((group) => minutesOf(group) > parameters.filterMinutes && group.some(near)).flat()',
  },
  {
    step: 'filter before upload: nearness',
    breaks: 'who was only heard from afar is told',
    before:
      'return [...groups.values()].filter((group) => minutesOf(group) >= parameters.filterMinutes && group.some(near)).flat()',
    after: 'return [...groups.values()].filter((group) => minutesOf(group) >= parameters.filterMinutes).flat()',
  },
  {
    step: 'dummies: counts say nothing',
    breaks: 'dummies are a byte string of zeros',
    before: 'const item = real[n]?.item ?? dummyItem(day, window, random)',
    after: 'const item = real[n]?.item ?? new Uint8Array(SIZE.item)',
  },
])

const declare = mutationsOf('packages/client/src/declare.ts', clientTests('declare'), [
  {
    step: 'divergence 14: consent',
    breaks: 'the code leaves the phone before the user consents',
    before: 'else remember(step, code)',
    after: "else { remember(step, code); proceed(step, step.state.declaration!, 'codeWindow') }",
  },
  {
    step: 'divergence 14: consent',
    breaks: 'consent that was withdrawn stops nothing',
    before: 'if (!event.given) state.declaration = undefined',
    after: "if (!event.given && declaration.stage === 'code') state.declaration = undefined",
  },
  {
    step: 'ROBERT §5.2, note: CT',
    breaks: 'what is older than CT is declared where the authority asks for it',
    before: "contagiousFrom: Math.max(response.contagiousFrom, oldest) as Window['contagiousFrom'],",
    after: "contagiousFrom: response.contagiousFrom as Window['contagiousFrom'],",
  },
  {
    step: 'ROBERT §6.1: what was heard',
    breaks: 'the present slot is left out',
    before: 'flush(step)',
    after: '',
  },
  {
    step: 'ROBERT §6.1: unlinkable items',
    breaks: 'items leave in the order in which they were heard',
    before: 'shuffle(step, declaration)',
    after: '',
  },
  {
    step: 'divergence 9: an item is sent until it is answered',
    breaks: 'an item whose answer was lost is given up',
    before: 'if (!refused) backOff(step, declaration)',
    after: "if (!refused && declaration.stage !== 'upload') backOff(step, declaration)",
  },
])

const poll = mutationsOf('packages/client/src/poll.ts', clientTests('poll', 'exchange'), [
  {
    step: 'ROBERT §7: a notified phone asks no more',
    breaks: 'a notified phone asks its status',
    before: 'if (state.notified) return CODE.renew',
    after: '',
  },
  {
    step: 'ROBERT §7 step 8: T',
    breaks: 'a phone asks again before T',
    before: 'if (last !== undefined && Math.abs(now - last) < service.parameters.statusGap) return CODE.renew',
    after: '',
  },
  {
    step: 'ROBERT §7: EBID | i | Time',
    breaks: 'an older identifier is sent with the epoch of now',
    before: 'const request = { code, ebid: used.subarray(0, SIZE.ebid), epoch, time: ntpOf(step.now), payload }',
    after:
      'const request = { code, ebid: used.subarray(0, SIZE.ebid), epoch: current, time: ntpOf(step.now), payload }',
  },
  {
    step: 'ROBERT §7: EBID | i | Time',
    breaks: "a request carries the phone's own clock",
    before: 'const request = { code, ebid: used.subarray(0, SIZE.ebid), epoch, time: ntpOf(step.now), payload }',
    after: 'const request = { code, ebid: used.subarray(0, SIZE.ebid), epoch, time: ntpOf(step.at), payload }',
  },
  {
    step: 'ROBERT §7 "replies with an ACK"',
    breaks: 'a lost acknowledgement of a warning is never made up for',
    before: 'build(step, poll, CODE.acknowledge, own(state.warning ?? reply?.replyId ?? step.random(SIZE.replyId)))',
    after: 'build(step, poll, CODE.acknowledge, own(reply?.replyId ?? step.random(SIZE.replyId)))',
  },
  {
    step: 'ROBERT §7: the reply to what was asked',
    breaks: 'a reply to another request is believed',
    before: 'if (reply?.kind !== code) {',
    after: 'if (reply === undefined) {',
  },
  {
    step: 'ROBERT §7, application step 2',
    breaks: 'an acknowledgement or a renewal can warn',
    before: 'if (reply.kind !== CODE.status || !reply.atRisk) return',
    after: 'if (!reply.atRisk) return',
  },
  {
    step: 'clock of the phone',
    breaks: 'the clock is not corrected by replies',
    before: 'state.clockOffset = unixOf(reply.serverTime) - step.at',
    after: '',
  },
  {
    step: 'away for longer than CT',
    breaks: 'an identifier that nobody can open is sent for ever',
    before: 'if (state.newest === undefined || state.newest.epoch < oldest) {',
    after: 'if (state.newest === undefined) {',
  },
])

const register = mutationsOf('packages/client/src/register.ts', clientTests('register'), [
  {
    step: 'ROBERT §3.3: the private key',
    breaks: 'the private key stays in memory',
    before: 'registration.privateKey.fill(0)',
    after: '',
  },
  {
    step: 'clock of the phone',
    breaks: 'a phone whose clock is wrong can never ask',
    before: 'setClock(step, response)',
    after: '',
  },
  {
    step: 'ROBERT §3.3: registration',
    breaks: 'a challenge that is spent is used again',
    before: "if (registration.stage === 'register' && refused) startOver(step, registration)",
    after: "if (registration.stage === 'solve' && refused) startOver(step, registration)",
  },
])

export const CLIENT_LINES = [...radio, ...identifiers, ...choose, ...declare, ...poll, ...register]
