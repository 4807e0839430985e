// Breaks one line at a time in a copy of the repository and runs the tests that must notice it.
import { execFile } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Mutation } from './mutation.ts'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))

const COPIED = ['package.json', 'packages', 'vectors', 'data', 'test']
const LEFT_OUT = /^(?:node_modules|dist|\.vicinity|mutations)$/
/** Milliseconds that one test may take; a line may be broken so that a loop never ends, so the process has an end too. */
const TEST_TIMEOUT = 20_000
const HARD_TIMEOUT = 60_000

/** A copy of the repository in a temporary directory: what runs there is its own source, also where one package uses another. */
export function makeCopy(): string {
  const copy = mkdtempSync(join(tmpdir(), 'vicinity-mutation-'))
  // PostgreSQL runs as another user, below it.
  chmodSync(copy, 0o711)
  for (const name of COPIED) {
    cpSync(join(ROOT, name), join(copy, name), {
      recursive: true,
      filter: (path) => !LEFT_OUT.test(basename(path)),
    })
  }
  const modules = join(copy, 'node_modules')
  mkdirSync(join(modules, '@vicinity'), { recursive: true })
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    if (name === '@vicinity' || name === 'vicinity') continue
    symlinkSync(join(ROOT, 'node_modules', name), join(modules, name), 'junction')
  }
  for (const name of readdirSync(join(copy, 'packages'))) {
    const place = name === 'vicinity' ? name : join('@vicinity', name)
    symlinkSync(join(copy, 'packages', name), join(modules, place), 'junction')
  }
  return copy
}

export const removeCopy = (copy: string): void => rmSync(copy, { recursive: true, force: true })

/** Where the line stands that is to be broken: its indices among the lines of the file. */
export const placesOf = (text: string, line: string): readonly number[] =>
  text.split('\n').flatMap((candidate, index) => (candidate.trim() === line ? [index] : []))

/** The text with the line broken, its indentation kept. */
export function mutated(text: string, { before, after }: Pick<Mutation, 'before' | 'after'>): string {
  const lines = text.split('\n')
  const [place] = placesOf(text, before)
  if (place === undefined) throw new Error(`no such line: ${before}`)
  lines[place] = lines[place]!.replace(before, () => after)
  return lines.join('\n')
}

export interface Verdict {
  readonly passed: boolean
  /** The first test that failed, or what happened instead. */
  readonly first: string
  readonly seconds: number
  readonly output: string
}

/** Whether a failure is the opinion of a test: a file that cannot be loaded has no opinion. */
export const isOpinion = (first: string): boolean => first !== '' && !first.endsWith('.test.ts')

const FAILED = /^\s*not ok \d+ - (.*)$/m

/** Runs test files of a copy in one process until the first test fails, with draws that a seed fixes. */
export function runTests(copy: string, files: readonly string[]): Promise<Verdict> {
  const started = performance.now()
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const argv = [
    '--conditions=@vicinity/source',
    '--disable-warning=ExperimentalWarning',
    '--test',
    '--test-isolation=none',
    '--test-reporter=tap',
    `--test-timeout=${TEST_TIMEOUT}`,
    ...files,
  ]
  // A process that is stopped in the middle leaves its files where the copy is removed.
  const temporary = join(copy, 'temporary')
  mkdirSync(temporary, { recursive: true })
  const options = {
    cwd: copy,
    env: { ...env, VICINITY_SEED: '1', TMPDIR: temporary, TMP: temporary, TEMP: temporary },
    timeout: HARD_TIMEOUT,
    killSignal: 'SIGKILL',
    maxBuffer: 2 ** 27,
  } as const
  return new Promise((resolve) => {
    let said = ''
    const child = execFile(process.execPath, argv, options, (error, stdout, stderr) => {
      const failed = FAILED.exec(stdout)?.[1]
      const first = failed ?? (error?.killed === true ? 'the tests do not come to an end' : '')
      const seconds = Math.round(performance.now() - started) / 1000
      resolve({ passed: error === null, first, seconds, output: `${stdout}${stderr}` })
    })
    child.stdout!.on('data', (chunk: string) => {
      said += chunk
      if (FAILED.test(said.slice(0, said.lastIndexOf('\n') + 1))) child.kill('SIGKILL')
    })
  })
}

/** Breaks the line of a mutation in a copy, runs its tests, and mends the line again. */
export async function tryMutation(copy: string, mutation: Mutation): Promise<Verdict> {
  const path = join(copy, mutation.file)
  const text = readFileSync(path, 'utf8')
  writeFileSync(path, mutated(text, mutation))
  try {
    return await runTests(copy, mutation.tests)
  } finally {
    writeFileSync(path, text)
  }
}
