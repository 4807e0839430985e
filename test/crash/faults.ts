// What goes wrong in a round, drawn from its seed.
import { setTimeout as pause } from 'node:timers/promises'
import { drawBelow, type Random } from '@vicinity/protocol'
import type { BackEnd, Fault, FaultContext } from './back-end.ts'
import type { Death } from './server.ts'

/** Moments of a fault, in milliseconds from the beginning of the load, or of its resumption after the one before. */
const MOMENT = 600
const MOST_FAULTS = 2

/** Runs the faults of a round one after the other, and gives their names. */
export async function runFaults(backEnd: BackEnd, random: Random): Promise<string[]> {
  const count = 1 + drawBelow(random, MOST_FAULTS)
  const names: string[] = []
  for (let k = 0; k < count; k++) {
    await pause(drawBelow(random, MOMENT))
    const faults = [...faultsOfProcesses(backEnd), ...backEnd.engine.faults()]
    const fault = faults[drawBelow(random, faults.length)]!
    names.push(fault.name)
    await fault.run({ random, patience })
  }
  return names
}

/** Milliseconds until whatever waits for a step gives up: nothing comes there any more. */
const PATIENCE = 600
const patience = (): Promise<void> => pause(PATIENCE, undefined, { ref: false })

const STEPS: readonly Death['step'][] = ['before a statement', 'before a commit', 'after a commit']
const MOST_STEPS = 12

function faultsOfProcesses(backEnd: BackEnd): readonly Fault[] {
  const { processes, start } = backEnd
  const kills = processes().map((process, place) => ({
    name: `kill -9 ${process.options.role}`,
    run: async () => {
      await process.kill('SIGKILL')
      await start(place).begun
    },
  }))
  const deaths = STEPS.map((step) => ({
    name: `die ${step}`,
    run: async ({ random }: FaultContext) => {
      const place = drawBelow(random, processes().length)
      const process = processes()[place]!
      process.die({ step, times: 1 + drawBelow(random, MOST_STEPS) })
      await Promise.race([process.ended, patience()])
      // Where nothing took it there it dies where it stands.
      await process.kill('SIGKILL')
      await start(place).begun
    },
  }))
  return [...kills, ...deaths]
}
