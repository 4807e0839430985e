// The declaration of a diagnosed user (ROBERT §6.1): code, consent, window, choice, tokens, and the items one by one.
import {
  DAY_SECONDS,
  drawBelow,
  finishToken,
  later,
  type ResponseOf,
  requestToken,
  TOKEN,
  type UtcDay,
} from '@vicinity/protocol'
import { SIZE } from '@vicinity/protocol/robert'
import { chooseItems } from './choose.ts'
import type { PhoneEvent } from './events.ts'
import { flush } from './radio.ts'
import type { Declaration, Window } from './state.ts'
import { backOff, CALL_PATIENCE, issue, persist, type Step, tell } from './step.ts'

const MOST_CHUNKS = 256

/** A code as the user may type it, as the authority wrote it: Crockford's base 32, four groups of four. */
function normaliseCode(typed: string): string | undefined {
  const letters = typed.replaceAll(/[\s-]/g, '').toUpperCase().replaceAll('O', '0').replaceAll(/[IL]/g, '1')
  return /^[0-9A-Z]{16}$/.test(letters) ? letters.replace(/^(.{4})(.{4})(.{4})(.{4})$/, '$1-$2-$3-$4') : undefined
}

/** Remembers the code and nothing more: without consent no byte leaves the phone (docs/divergences.md, 14). */
export function declare(step: Step, event: Extract<PhoneEvent, { readonly type: 'declare' }>): void {
  const { state } = step
  if (state.declaration !== undefined && state.declaration.stage !== 'code') return
  const code = normaliseCode(event.code)
  if (code === undefined) refuseCode(step)
  else remember(step, code)
}

function remember(step: Step, code: string): void {
  step.state.declaration = {
    stage: 'code',
    call: 0,
    due: undefined,
    failures: 0,
    code,
    window: undefined,
    firstDay: 0 as UtcDay,
    total: 0,
    redeemed: 0,
    items: new Uint8Array(),
    randoms: new Uint8Array(),
    tokens: new Uint8Array(),
  }
  persist(step)
}

export function consent(step: Step, event: Extract<PhoneEvent, { readonly type: 'consent' }>): void {
  const { state } = step
  const { declaration } = state
  if (declaration === undefined) return
  if (!event.given) state.declaration = undefined
  // A phone that was never registered has heard nothing.
  else if (declaration.stage === 'code' && state.service !== undefined) proceed(step, declaration, 'codeWindow')
  persist(step)
}

function refuseCode(step: Step): void {
  step.state.declaration = undefined
  tell(step, { what: 'codeRefused' })
  persist(step)
}

/** Goes on to a stage at once. */
function proceed(step: Step, declaration: Declaration, stage: Declaration['stage']): void {
  declaration.stage = stage
  declaration.call = 0
  declaration.failures = 0
  declaration.due = step.at
}

/** What is due in a declaration. */
export function runDeclaration(step: Step, declaration: Declaration): void {
  if (declaration.call !== 0) declarationFailed(step, declaration, false)
  else if (declaration.stage === 'codeWindow') issue(step, declaration, 'codeWindow', { code: declaration.code })
  else if (declaration.stage === 'recall') recall(step, declaration)
  else if (declaration.stage === 'redeemCode') redeemChunk(step, declaration)
  else if (declaration.stage === 'upload') sendItem(step, declaration)
}

/** Nothing was sent before the last token arrived, so a refused code can still be dropped whole. */
export function declarationFailed(step: Step, declaration: Declaration, refused: boolean): void {
  if (!refused) backOff(step, declaration)
  else if (declaration.stage === 'upload') itemSent(step)
  else refuseCode(step)
}

export function windowAnswered(step: Step, response: ResponseOf<'codeWindow'>): void {
  const declaration = step.state.declaration!
  const window = cutWindow(response, step)
  const seconds = window.contagiousTo - window.contagiousFrom - 1
  const chunks = Math.ceil(window.tokensPerDay / window.chunk)
  if (seconds < 1 || chunks > MOST_CHUNKS) {
    refuseCode(step)
    return
  }
  declaration.window = window
  flush(step)
  proceed(step, declaration, 'recall')
}

/** Not older than CT (ROBERT §5.2, note) and not beyond now: there a phone has heard nothing, and dummies would show. */
function cutWindow(response: ResponseOf<'codeWindow'>, step: Step): Window {
  const oldest = step.now - step.state.service!.parameters.contagiousDays * DAY_SECONDS
  return {
    contagiousFrom: Math.max(response.contagiousFrom, oldest) as Window['contagiousFrom'],
    contagiousTo: Math.min(response.contagiousTo, step.now + 1) as Window['contagiousTo'],
    tokensPerDay: response.tokensPerDay,
    chunk: response.chunk,
  }
}

function recall(step: Step, declaration: Declaration): void {
  const { contagiousFrom, contagiousTo } = declaration.window!
  step.effects.push({ type: 'recall', after: contagiousFrom, before: contagiousTo })
  declaration.due = later(step.at, CALL_PATIENCE)
}

export function recalled(step: Step, event: Extract<PhoneEvent, { readonly type: 'recalled' }>): void {
  const { declaration, service, settings } = step.state
  if (declaration?.stage !== 'recall' || declaration.window === undefined || service === undefined) return
  const choice = chooseItems(event.items, declaration.window, service.parameters, settings.filter, step.random)
  declaration.firstDay = choice.firstDay
  declaration.items = choice.items
  declaration.randoms = choice.randoms
  declaration.total = choice.items.length / SIZE.item
  declaration.tokens = new Uint8Array(TOKEN.size * declaration.total)
  proceed(step, declaration, 'redeemCode')
}

const itemAt = (declaration: Declaration, k: number): Uint8Array =>
  declaration.items.subarray(SIZE.item * k, SIZE.item * (k + 1))
const randomAt = (declaration: Declaration, k: number): Uint8Array =>
  declaration.randoms.subarray(TOKEN.random * k, TOKEN.random * (k + 1))

/** The next entries without a token: one chunk of one day. */
function nextChunk(declaration: Declaration): { day: UtcDay; chunk: number; from: number; to: number } {
  const { tokensPerDay, chunk } = declaration.window!
  const from = declaration.redeemed
  const within = from % tokensPerDay
  return {
    day: (declaration.firstDay + Math.floor(from / tokensPerDay)) as UtcDay,
    chunk: Math.floor(within / chunk),
    from,
    to: from + Math.min(chunk, tokensPerDay - within),
  }
}

const tokenRequests = (declaration: Declaration, from: number, to: number) =>
  Array.from({ length: to - from }, (_, n) =>
    requestToken(itemAt(declaration, from + n), randomAt(declaration, from + n)),
  )

/** A request is a function of the entry, so the same chunk is the same bytes however often it is asked for. */
function redeemChunk(step: Step, declaration: Declaration): void {
  const { day, chunk, from, to } = nextChunk(declaration)
  const requests = tokenRequests(declaration, from, to).map(({ request }) => request)
  persist(step)
  issue(step, declaration, 'redeemCode', { code: declaration.code, day, chunk, requests })
}

export function redeemAnswered(step: Step, response: ResponseOf<'redeemCode'>): void {
  const declaration = step.state.declaration!
  const { from, to } = nextChunk(declaration)
  const fits = response.responses.every(({ length }) => length === TOKEN.response)
  if (response.responses.length !== to - from || !fits) {
    backOff(step, declaration)
    return
  }
  tokenRequests(declaration, from, to).forEach(({ pending }, n) => {
    declaration.tokens.set(finishToken(pending, response.responses[n]!), TOKEN.size * (from + n))
  })
  declaration.redeemed = to
  proceed(step, declaration, 'redeemCode')
  if (to === declaration.total) {
    shuffle(step, declaration)
    proceed(step, declaration, 'upload')
    declaration.due = later(step.at, drawPause(step, declaration))
    persist(step)
  }
}

/** Fisher and Yates: the order of sending says nothing about days, nor about what is real. */
function shuffle(step: Step, { items, randoms, tokens, total }: Declaration): void {
  for (let k = total - 1; k > 0; k--) {
    const other = drawBelow(step.random, k + 1)
    swap(items, SIZE.item, k, other)
    swap(randoms, TOKEN.random, k, other)
    swap(tokens, TOKEN.size, k, other)
  }
}

function swap(bytes: Uint8Array, size: number, a: number, b: number): void {
  const held = new Uint8Array(bytes.subarray(size * a, size * (a + 1)))
  bytes.copyWithin(size * a, size * b, size * (b + 1))
  bytes.set(held, size * b)
}

/** Seconds until the next item leaves: on average all of them take `uploadSpread`. */
function drawPause(step: Step, declaration: Declaration): number {
  const { uploadSpread } = step.state.service!.parameters
  return drawBelow(step.random, Math.floor((2 * uploadSpread) / declaration.total) + 1)
}

/** Sends the last of what is left; sent again with the same bytes until it is answered. */
function sendItem(step: Step, declaration: Declaration): void {
  const last = declaration.items.length / SIZE.item - 1
  issue(step, declaration, 'upload', {
    item: itemAt(declaration, last),
    random: randomAt(declaration, last),
    token: declaration.tokens.subarray(TOKEN.size * last),
  })
}

/** An item that has its receipt is forgotten. */
export function itemSent(step: Step): void {
  const { state } = step
  const declaration = state.declaration!
  const left = declaration.items.length / SIZE.item - 1
  declaration.items = declaration.items.subarray(0, SIZE.item * left)
  declaration.randoms = declaration.randoms.subarray(0, TOKEN.random * left)
  declaration.tokens = declaration.tokens.subarray(0, TOKEN.size * left)
  if (left > 0) {
    proceed(step, declaration, 'upload')
    declaration.due = later(step.at, drawPause(step, declaration))
  } else {
    state.declaration = undefined
    tell(step, { what: 'declarationSent' })
  }
  persist(step)
}
