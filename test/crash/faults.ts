// What goes wrong in a round, drawn from its seed.
import { setTimeout as pause } from 'node:timers/promises'
import { drawBelow, type Random } from '@vicinity/protocol'
import type { BackEnd } from './back-end.ts'
import type { Death } from './server.ts'

/** Moments of a fault, in milliseconds from the beginning of the load, or of its resumption after the one before. */
const MOMENT = 600
const MOST_FAULTS = 2

/** Runs the faults of a round one after the other, and gives their names. */
export async function runFaults(backEnd: BackEnd, random: Random): Promise<string[]> {
  const count = 1 + drawBelow(random, MOST_FAULTS)
  const names: string[] = []
  for (let fault = 0; fault < count; fault++) {
    await pause(drawBelow(random, MOMENT))
    const kinds = faultsOf(backEnd)
    const [name, run] = kinds[drawBelow(random, kinds.length)]!
    names.push(name)
    await run(random)
  }
  return names
}

type Fault = readonly [name: string, run: (random: Random) => Promise<void>]

function faultsOf(backEnd: BackEnd): readonly Fault[] {
  const { processes } = backEnd
  return [
    ...processes().map(
      (process, place): Fault => [
        `kill -9 ${process.options.role}`,
        async () => {
          await process.kill('SIGKILL')
          await backEnd.start(place).begun
        },
      ],
    ),
    ...STEPS.map(
      (step): Fault => [
        `die ${step}`,
        async (random) => {
          const place = drawBelow(random, processes().length)
          const process = processes()[place]!
          process.die({ step, times: 1 + drawBelow(random, MOST_STEPS) })
          await Promise.race([process.ended, pause(PATIENCE, undefined, { ref: false })])
          await process.kill('SIGKILL')
          await backEnd.start(place).begun
        },
      ],
    ),
  ]
}

const STEPS: readonly Death['step'][] = ['before a statement', 'before a commit', 'after a commit']
const MOST_STEPS = 12
/** Milliseconds until a process that is to die at a step is killed where it stands: nothing takes it there any more. */
const PATIENCE = 600
