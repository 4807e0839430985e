// What goes wrong in a round, drawn from its seed.
import { setTimeout as pause } from 'node:timers/promises'
import { drawBelow, type Random } from '@vicinity/protocol'
import type { BackEnd, Fault, FaultContext } from './back-end.ts'
import { limitFiles } from './linux.ts'
import type { Death } from './server.ts'

/** Moments of a fault, in milliseconds from the beginning of the load, or of its resumption after the one before. */
const MOMENT = 500
const MOST_FAULTS = 2
/** What takes long happens in one round of so many, and in which. */
const RARELY = 20
const RARE = 7

/** Runs the faults of a round one after the other, and gives their names. */
export async function runFaults(backEnd: BackEnd, random: Random, round: number): Promise<string[]> {
  const count = 1 + drawBelow(random, MOST_FAULTS)
  const names: string[] = []
  for (let k = 0; k < count; k++) {
    await pause(drawBelow(random, MOMENT))
    const faults = [...faultsOfProcesses(backEnd), ...backEnd.engine.faults()]
    const { rare } = backEnd.engine
    const fault =
      k === 0 && rare !== undefined && round % RARELY === RARE ? rare : faults[drawBelow(random, faults.length)]!
    names.push(fault.name)
    await fault.run({ random, patience })
  }
  return names
}

/** Milliseconds until whatever waits for a step gives up: nothing comes there any more. */
const PATIENCE = 400
const patience = (): Promise<void> => pause(PATIENCE, undefined, { ref: false })

const STEPS: readonly Death['step'][] = [
  'before a statement',
  'before a commit',
  'after a commit',
  'before a change of files',
]
const MOST_STEPS = 12

function faultsOfProcesses(backEnd: BackEnd): readonly Fault[] {
  const { processes, start } = backEnd
  const kills = processes().map((process, place) => ({
    name: `kill -9 ${process.options.role}`,
    run: async () => {
      await process.kill('SIGKILL')
      await start(place)
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
      await start(place)
    },
  }))
  const stops = processes().map((process, place) => ({
    name: `stop ${process.options.role}`,
    run: async () => {
      await process.kill('SIGTERM')
      await start(place)
    },
  }))
  // The disk of a process: its keys, its audit log, its exports, and the database where that is embedded.
  const fills = processes().map((process) => ({
    name: `disk full for ${process.options.role}`,
    run: async ({ random }: FaultContext) => {
      limitFiles(process.pid, FILE_LIMITS[drawBelow(random, FILE_LIMITS.length)])
      await patience()
      limitFiles(process.pid, undefined)
    },
  }))
  return [...kills, ...deaths, ...stops, ...fills]
}

/** Bytes. The least holds no new file at all, the next a key but no log, the largest a database that does not grow. */
const FILE_LIMITS = [1, 1000, 20_000, 150_000, 300_000] as const
