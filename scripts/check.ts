// `npm run check`: everything that can be said about the code without using it. All steps run, then the exit code says whether
// one failed. The order matters: Biome follows types into other packages through the declarations that `tsc -b` writes.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

interface Step {
  readonly name: string
  readonly command: string
  readonly arguments: readonly string[]
  /** What to do about a failure. */
  readonly next: string
}

const root = fileURLToPath(new URL('..', import.meta.url))
const tool = (name: string): string => join(root, 'node_modules', '.bin', name)
const script = (...argv: string[]): Pick<Step, 'command' | 'arguments'> => ({
  command: process.execPath,
  arguments: ['--conditions=@vicinity/source', ...argv],
})

const STEPS: readonly Step[] = [
  { name: 'types', command: tool('tsc'), arguments: ['-b'], next: 'the lines above name file and place' },
  { name: 'lint and format', command: tool('biome'), arguments: ['ci', '.'], next: 'npx biome check --write .' },
  {
    name: 'branches of the protocol',
    ...script('scripts/coverage.ts'),
    next: 'write a test in packages/protocol/test for each line above',
  },
  {
    name: 'house rules',
    ...script('scripts/test.ts', 'test/tidy/*.test.ts'),
    next: 'each rule is a table in test/tidy; a rule is changed there on purpose',
  },
]

const verdicts = STEPS.map((step) => {
  const started = performance.now()
  const windows = process.platform === 'win32'
  const done = spawnSync(step.command, step.arguments, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    shell: windows && step.command !== process.execPath,
  })
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  const passed = done.status === 0
  const said = `${done.stdout ?? ''}${done.stderr ?? ''}${done.error?.message ?? ''}`.split('\n')
  if (!passed) console.log(said.filter((line) => !line.startsWith('✔')).join('\n'))
  console.log(`${passed ? '✔' : '✖'} ${step.name}, ${seconds} s${passed ? '' : `: ${step.next}`}`)
  return passed
})
process.exitCode = verdicts.every(Boolean) ? 0 : 1
