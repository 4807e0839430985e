// Whether the time of an answer tells what it is. `npm run test:timing -- --calls N --seed TEXT --store URL --json`
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Random } from '@vicinity/protocol'
import { drawPrivateKey } from '@vicinity/protocol/crypto'
import { openAudit, wallClock } from '@vicinity/server'
import { auditFiles } from '../../packages/server/src/audit/file-log.ts'
import { signerOf } from '../../packages/server/test/audit-fixture.ts'
import { observePublishes, observeRequests } from './loopback.ts'
import { publishWorld } from './publishes.ts'
import { requestWorld } from './requests.ts'
import { sample, type World } from './sample.ts'
import { ALIKE, DIFFERENT, joined, median, worstT } from './welch.ts'

const { values: options } = parseArgs({
  options: {
    calls: { type: 'string', default: '20000' },
    seed: { type: 'string', default: randomBytes(6).toString('hex') },
    store: { type: 'string', default: 'sqlite::memory:' },
    json: { type: 'boolean', default: false },
  },
})
const calls = Number(options.calls)
if (!(Number.isSafeInteger(calls) && calls >= 100)) throw new Error('--calls: a whole number from 100')

/** What decides the order of the calls; what the back-end draws is not of it. */
function seeded(seed: string): Random {
  let counter = 0
  return (length) => createHash('sha256').update(`${seed} ${counter++}`).digest().subarray(0, length)
}

interface Line {
  readonly name: string
  readonly part: string
  /** Microseconds. */
  readonly median: number
  /** Against all others that are to be alike; of a control against its twin. */
  readonly t: number
}
interface Report {
  readonly name: string
  readonly lines: readonly Line[]
  /** Whether both controls came out as they must. */
  readonly valid: boolean
  readonly passed: boolean
}

const TWIN = 'served "0"'

function judge(name: string, world: World, times: readonly Float64Array[]): Report {
  const lines = world.classes.map(({ name: of, part }, k): Line => {
    const isControl = part === 'null control' || part === 'leak'
    const others = world.classes.flatMap((other, n) => {
      const isPeer = isControl ? other.name === TWIN : other.part === 'alike'
      return isPeer && n !== k ? [times[n]!] : []
    })
    const pool = others.length > 0 ? others : times.filter((_, n) => n !== k)
    return { name: of, part, median: median(times[k]!), t: worstT(times[k]!, joined(pool)) }
  })
  const size = (part: string) => lines.filter((line) => line.part === part).map(({ t }) => Math.abs(t))
  const hasControls = lines.some(({ part }) => part === 'leak')
  const valid =
    !hasControls || (size('leak').every((t) => t > DIFFERENT) && size('null control').every((t) => t < ALIKE))
  return { name, lines, valid, passed: size('alike').every((t) => t < ALIKE) }
}

function tell({ name, lines, valid, passed }: Report): void {
  if (options.json) return
  console.log(`\n${name}: ${valid ? (passed ? 'alike' : 'NOT ALIKE') : 'INVALID, a control failed'}`)
  for (const { name: of, part, median: middle, t } of lines) {
    console.log(`  ${of.padEnd(28)}${part.padEnd(14)}${middle.toFixed(1).padStart(9)} µs ${t.toFixed(2).padStart(9)}`)
  }
}

const reports: Report[] = []
const add = (report: Report): void => {
  reports.push(report)
  tell(report)
}
const failures: string[] = []
const directory = mkdtempSync(join(tmpdir(), 'vicinity-timing-'))
const random: Random = (length) => randomBytes(length)
if (!options.json) console.log(`seed ${options.seed}, ${calls} calls a class, ${options.store}`)
try {
  for (const load of [false, true]) {
    const name = load ? 'requests, others in flight' : 'requests'
    const files = auditFiles(join(directory, `audit-${load}`))
    const audit = openAudit({ files, signer: signerOf(drawPrivateKey(random)), now: wallClock, parameters: 'timing' })
    const world = await requestWorld({ store: options.store, random, audit, load })
    add(judge(name, world, await sample(world, calls, seeded(`${options.seed} ${name}`))))
    await world.close()
    audit.close()
  }
  const publishes = await publishWorld(options.store)
  const some = Math.ceil(calls / 20)
  add(judge('publishes', publishes, await sample(publishes, some, seeded(`${options.seed} publishes`))))
  const replyGrid = 20
  const seenPublishes = await observePublishes(publishes, 20)
  if (seenPublishes.forms.size > 2) failures.push('publishes differ over HTTP in more than served and refused')
  await publishes.close()
  const world = await requestWorld({ store: options.store, random, load: false, replyGrid })
  const seen = await observeRequests(world, Math.ceil(calls / 200))
  if (seen.forms.size !== 1) failures.push(`requests have ${seen.forms.size} forms over HTTP`)
  const micro = seen.times.map((times) => times.map((time) => 1000 * time))
  const overHttp = judge(`requests over HTTP, on a grid of ${replyGrid} ms (told only)`, world, micro)
  add({ ...overHttp, valid: true, passed: true })
  await world.close()
} finally {
  rmSync(directory, { recursive: true, force: true })
}
const valid = reports.every((report) => report.valid)
const passed = failures.length === 0 && reports.every((report) => report.passed)
if (options.json)
  console.log(JSON.stringify({ seed: options.seed, calls, store: options.store, valid, passed, failures, reports }))
else for (const failure of failures) console.log(failure)
process.exitCode = valid ? (passed ? 0 : 1) : 2
