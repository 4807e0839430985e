// What the clients saw, call by call: written before a call leaves and after its answer came, so that whoever dies, the log stands.
import { appendFileSync } from 'node:fs'

/** What a client wants. Times are epochs of the service; keys, cells and requests are hexadecimal digits. */
export type Operation =
  | { readonly kind: 'register'; readonly phone: string }
  /** An item about `phone`. `counts` says whether its bytes and its token are good. */
  | { readonly kind: 'upload'; readonly phone: string; readonly cell: string; readonly counts: boolean }
  /** `tag` tells requests apart: two of one second are the same bytes. */
  | { readonly kind: 'status'; readonly phone: string; readonly epoch: number; readonly tag: string }
  | { readonly kind: 'acknowledge'; readonly phone: string; readonly reply: string }
  | { readonly kind: 'unregister'; readonly phone: string }
  | { readonly kind: 'publish'; readonly keys: readonly string[] }
  | { readonly kind: 'revise'; readonly keys: readonly string[] }

export type OperationKind = Operation['kind']

/** What was answered. */
export interface Answer {
  /** Of a registration: the first epoch of the list and its EBID, by which the account is found. */
  readonly first?: number
  readonly ebid?: string
  /** Of a request: false is the constant reply. */
  readonly served?: boolean
  readonly atRisk?: boolean
  readonly reply?: string
  /** The epoch when the answer came. */
  readonly epoch?: number
}

/**
 * A call and what became of it. `ok` was answered; `fail` was refused as such and had no effect; `unknown` had no answer, and its
 * effect may have taken place or not.
 */
export interface Call {
  readonly number: number
  readonly round: number
  readonly operation: Operation
  readonly outcome: 'ok' | 'fail' | 'unknown'
  readonly answer: Answer
  /** How often the same bytes were sent. */
  readonly sent: number
}

type Line =
  | { readonly step: 'invoke'; readonly call: number; readonly round: number; readonly operation: Operation }
  | { readonly step: 'sent' | 'fail' | 'unknown'; readonly call: number }
  | { readonly step: 'ok'; readonly call: number; readonly answer: Answer }

export interface History {
  /** Gives the number of the call. */
  readonly invoke: (round: number, operation: Operation) => number
  /** Noted each time before the bytes of a call leave. */
  readonly sent: (call: number) => void
  readonly ok: (call: number, answer?: Answer) => void
  readonly fail: (call: number) => void
  readonly unknown: (call: number) => void
  readonly calls: () => readonly Call[]
}

/** A history that begins: one file, to which every line is written before anything else happens. */
export function openHistory(path: string): History {
  const calls = new Map<number, Call>()
  const note = (line: Line): void => {
    appendFileSync(path, `${JSON.stringify(line)}\n`)
    take(calls, line)
  }
  return {
    invoke(round, operation) {
      note({ step: 'invoke', call: calls.size + 1, round, operation })
      return calls.size
    },
    sent: (call) => note({ step: 'sent', call }),
    ok: (call, answer = {}) => note({ step: 'ok', call, answer }),
    fail: (call) => note({ step: 'fail', call }),
    unknown: (call) => note({ step: 'unknown', call }),
    calls: () => [...calls.values()],
  }
}

/** The calls of a history that was kept, in the order in which they began. */
export function readCalls(text: string): readonly Call[] {
  const calls = new Map<number, Call>()
  for (const line of text.split('\n')) if (line !== '') take(calls, JSON.parse(line) as Line)
  return [...calls.values()]
}

/** What was never answered is unknown. */
function take(calls: Map<number, Call>, line: Line): void {
  if (line.step === 'invoke') {
    const { call: number, round, operation } = line
    calls.set(number, { number, round, operation, outcome: 'unknown', answer: {}, sent: 0 })
    return
  }
  const call = calls.get(line.call)!
  if (line.step === 'sent') calls.set(line.call, { ...call, sent: call.sent + 1 })
  else calls.set(line.call, { ...call, outcome: line.step, answer: line.step === 'ok' ? line.answer : {} })
}
