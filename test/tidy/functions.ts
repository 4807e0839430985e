// Finds the functions of a file by matching brackets in its code; no compiler is needed because types are gone and literals empty.
import { codeOf, lineOf, type SourceFile } from './source.ts'

export interface FunctionSpan {
  /** The line of its parameters. */
  readonly line: number
  readonly lines: number
}

/** What may stand before `(…) {` without making a function of it. */
const CONTROL = new Set(['if', 'for', 'while', 'switch', 'catch', 'with', 'await'])
/** A group of tests is no function to read in one piece. */
const GROUP = new Set(['describe', 'suite'])

interface Brackets {
  readonly closeOf: ReadonlyMap<number, number>
  readonly openOf: ReadonlyMap<number, number>
  /** The bracket around an opening bracket. */
  readonly around: ReadonlyMap<number, number | undefined>
}

function bracketsIn(code: string): Brackets {
  const closeOf = new Map<number, number>()
  const openOf = new Map<number, number>()
  const around = new Map<number, number | undefined>()
  const open: number[] = []
  for (const { index, 0: bracket } of code.matchAll(/[()[\]{}]/g)) {
    if ('([{'.includes(bracket)) {
      around.set(index, open.at(-1))
      open.push(index)
      continue
    }
    const from = open.pop()
    if (from === undefined) continue
    closeOf.set(from, index)
    openOf.set(index, from)
  }
  return { closeOf, openOf, around }
}

const wordBefore = (code: string, at: number): string => /([\w$]*)\s*$/.exec(code.slice(Math.max(0, at - 200), at))![1]!
const lastBefore = (code: string, at: number): number => code.slice(0, at).trimEnd().length - 1

/** Every function with a body: declarations, methods, and arrows with a block or an expression. */
export function functionsIn(file: SourceFile): FunctionSpan[] {
  const code = codeOf(file)
  const brackets = bracketsIn(code)
  const spans: FunctionSpan[] = []
  const add = (from: number, to: number) => {
    const line = lineOf(code, from)
    spans.push({ line, lines: lineOf(code, to) - line + 1 })
  }
  for (const { index } of code.matchAll(/\{/g)) {
    const before = lastBefore(code, index)
    const parameters = code[before] === ')' ? brackets.openOf.get(before) : undefined
    if (parameters === undefined || CONTROL.has(wordBefore(code, parameters))) continue
    add(parameters, brackets.closeOf.get(index) ?? code.length)
  }
  for (const { index } of code.matchAll(/=>/g)) {
    const before = lastBefore(code, index)
    const from = brackets.openOf.get(before) ?? before
    const call = brackets.around.get(from)
    if (call !== undefined && GROUP.has(wordBefore(code, call))) continue
    const body = index + 2 + (/^\s*/.exec(code.slice(index + 2))?.[0].length ?? 0)
    add(
      from,
      code[body] === '{'
        ? (brackets.closeOf.get(body) ?? code.length)
        : expressionEnd(file, code, brackets, from, body),
    )
  }
  return spans
}

/** Where the body of an arrow ends: at a comma or closing bracket, or before a line that is indented no deeper than the arrow's. */
function expressionEnd(file: SourceFile, code: string, brackets: Brackets, from: number, body: number): number {
  const raw = file.text.split('\n')
  const indentOf = (index: number) => raw[lineOf(code, index) - 1]!.search(/\S/)
  const indent = indentOf(from)
  let last = body
  for (let at = body; at < code.length; at++) {
    const character = code[at]!
    if (',;)]}'.includes(character)) return last
    if (/\s/.test(character)) continue
    if (code.slice(last, at).includes('\n') && indentOf(at) <= indent) return last
    at = brackets.closeOf.get(at) ?? at
    last = at
  }
  return last
}
