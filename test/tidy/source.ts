// Reads the repository the way the house rules need it: files as they are, and their code without comments, strings and types.
import { globSync, readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { fileURLToPath } from 'node:url'

export const ROOT: string = fileURLToPath(new URL('../..', import.meta.url))

/** A file of the repository: its path from the root, with `/`, and its text. Planted samples are made by hand. */
export interface SourceFile {
  readonly path: string
  readonly text: string
}

export const readSource = (path: string): SourceFile => ({ path, text: readFileSync(`${ROOT}${path}`, 'utf8') })

/** The files that fit one of the patterns, ascending by path. */
export function sourcesIn(...patterns: string[]): SourceFile[] {
  const paths = globSync(patterns, { cwd: ROOT, exclude: ['**/node_modules/**', '**/dist/**'] })
  return paths
    .map((path) => path.replaceAll('\\', '/'))
    .sort()
    .map(readSource)
}

/** What runs: types, comments and the contents of literals are blank; every line and column stays where it was. */
export function codeOf(file: SourceFile): string {
  return masked(file.path.endsWith('.ts') ? stripTypeScriptTypes(file.text) : file.text)
}

/** `path:line` of a place in a text. */
export const placeOf = (file: SourceFile, index: number): string => `${file.path}:${lineOf(file.text, index)}`

export const lineOf = (text: string, index: number): number => text.slice(0, index).split('\n').length

/** `path:line` of everything that fits `pattern`, which must be global, in the code of a file. */
export const matchesIn = (file: SourceFile, pattern: RegExp): string[] =>
  [...codeOf(file).matchAll(pattern)].map((match) => `${placeOf(file, match.index)} ${match[0].trim()}`)

const COMMENT = /\/\/[^\n]*|\/\*[\s\S]*?\*\//y
const STRING = /'(?:\\[\s\S]|[^'\\\n])*'|"(?:\\[\s\S]|[^"\\\n])*"/y
const TEMPLATE = /[`}](?:\\[\s\S]|[^`\\$]|\$(?!\{))*(?:`|\$\{)/y
const REGEX = /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[dgimsuvy]*/y
/** What stands before a `/` that begins a regular expression; after anything else it divides. */
const BEFORE_REGEX = /(?:^|[([{},;=:?!&|+\-*%<>~^]|\b(?:return|typeof|case|in|of|else|throw|await|yield))\s*$/

/** The text with comments blanked and literals emptied. Code inside `${…}` of a template is code. */
export function masked(text: string): string {
  const out = text.split('')
  const blank = (from: number, to: number) => {
    for (let i = from; i < to; i++) if (out[i] !== '\n') out[i] = ' '
  }
  /** For each template that is open: how many braces are open inside its present expression. */
  const templates: number[] = []
  let at = 0
  const end = (pattern: RegExp): number | undefined => {
    pattern.lastIndex = at
    return pattern.test(text) ? pattern.lastIndex : undefined
  }
  while (at < text.length) {
    const character = text[at]!
    const comment = end(COMMENT)
    const resumes = character === '}' && templates.at(-1) === 0
    const template = character === '`' || resumes ? end(TEMPLATE) : undefined
    const literal = template ?? end(STRING) ?? (beginsRegex(out, at) ? end(REGEX) : undefined)
    if (comment !== undefined) blank(at, comment)
    else if (literal !== undefined) {
      const opens = template !== undefined && text[literal - 1] === '{'
      blank(at + 1, literal - (opens ? 2 : 1))
      if (resumes) templates.pop()
      if (opens) templates.push(0)
    } else if (templates.length > 0 && (character === '{' || character === '}')) {
      templates[templates.length - 1]! += character === '{' ? 1 : -1
    }
    at = comment ?? literal ?? at + 1
  }
  return out.join('')
}

const beginsRegex = (out: readonly string[], at: number): boolean =>
  out[at] === '/' && BEFORE_REGEX.test(out.slice(Math.max(0, at - 200), at).join(''))

/** An import or re-export of a file, also a dynamic one or one of types only. */
export interface Import {
  readonly specifier: string
  readonly place: string
}

const IMPORT = /(?:\bfrom\s*|\bimport\s*\(?\s*)(['"])/g

export function importsOf(file: SourceFile): Import[] {
  const code = masked(file.text)
  return [...code.matchAll(IMPORT)].map((match) => {
    const from = match.index + match[0].length
    const specifier = file.text.slice(from, code.indexOf(match[1]!, from))
    return { specifier, place: placeOf(file, match.index) }
  })
}
