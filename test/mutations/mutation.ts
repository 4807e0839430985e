// A mutation is one line of the code broken on purpose: a step of the specification done wrong, as it might happen to anybody.

/** One line and what it becomes. Lines are written without their indentation. */
export interface BrokenLine {
  /** The step that is broken. */
  readonly step: string
  /** What goes wrong, in words. */
  readonly breaks: string
  readonly before: string
  readonly after: string
  /** Files of tests that must notice it, where those of the group do not. */
  readonly tests?: readonly string[]
}

export interface Mutation extends Required<BrokenLine> {
  readonly file: string
}

const PROTOCOL = 'packages/protocol/test/'

/** Paths of the test files of a package, by their short names. */
export const testsOf = (folder: string, ...names: readonly string[]): readonly string[] =>
  names.map((name) => `${folder}${name}.test.ts`)
export const protocolTests = (...names: readonly string[]): readonly string[] => testsOf(PROTOCOL, ...names)
export const clientTests = (...names: readonly string[]): readonly string[] =>
  testsOf('packages/client/test/', ...names)
export const serverTests = (...names: readonly string[]): readonly string[] =>
  testsOf('packages/server/test/', ...names)

/** The mutations of one file. `tests` are the narrowest that must notice each of them. */
export const mutationsOf = (
  file: string,
  tests: readonly string[],
  lines: readonly BrokenLine[],
): readonly Mutation[] => lines.map((line) => ({ file, tests, ...line }))
