// Measures ours against what else could do the work; correctness first. node bench/main.ts [--only NAME] [--json] [--svg FILE]
import { writeFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { flows } from './flows.ts'
import type { Bench, Group } from './group.ts'
import { aes, macs, skinny } from './kernels.ts'
import { kneeSvg } from './knee.ts'
import { matching } from './matching.ts'
import { line, type Result, result } from './measure.ts'
import { pipeline } from './pipeline.ts'
import { replaying } from './replay.ts'
import { server } from './server.ts'

const GROUPS: readonly Group[] = [skinny, macs, aes, pipeline, flows, replaying, matching, server]

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    json: { type: 'boolean', default: false },
    svg: { type: 'string' },
  },
})
const wanted = (name: string): boolean => name.toLowerCase().includes(values.only.toLowerCase())

const results: Result[] = []
const notes: string[] = []

/** A group that is named runs whole, of another the results that are named. */
function benchOf(group: Group): Bench {
  const runs = (name: string): boolean => wanted(group.name) || wanted(name)
  return {
    runs,
    compare: async (name, versus, measure, demand) => {
      if (!runs(name)) return
      const times = await measure()
      if (typeof times === 'string') {
        notes.push(`not run: ${name} versus ${versus}: ${times}`)
        return
      }
      const done = result(name, versus, times, demand)
      results.push(done)
      if (!values.json) console.log(line(done))
    },
  }
}

const chosen = GROUPS.filter((group) => [group.name, ...group.results].some(wanted))
if (chosen.length === 0) {
  const names = GROUPS.map(({ name, results: lines }) => `  ${name}: ${lines.join(', ')}`)
  console.error(`nothing is called ${JSON.stringify(values.only)}; there is\n${names.join('\n')}`)
  process.exit(2)
}
for (const group of chosen) await group.run(benchOf(group))
const curves = results.flatMap(({ name, points }) =>
  points === undefined ? [] : [{ name: name.slice(name.lastIndexOf(', ') + 2), points }],
)
if (values.svg !== undefined && curves.length > 0) writeFileSync(values.svg, kneeSvg(curves))
if (values.json) console.log(JSON.stringify(results, null, 2))
for (const note of notes) console.error(note)
const machine = `${availableParallelism()} processors, ${cpus()[0]?.model.trim() ?? 'of an unknown kind'}`
console.error(`on ${machine}; load of the last minute: ${loadavg()[0]!.toFixed(1)}`)
process.exitCode = results.every(({ ok }) => ok) ? 0 : 1
