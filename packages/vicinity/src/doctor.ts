// `vicinity doctor`: looks at a machine before the back-end starts on it, or while it runs, and changes nothing.
import { Command } from 'commander'
import { type Config, placesOf } from './config.ts'
import { CHECKS, type Finding } from './doctor-checks.ts'
import { configGiven, withConfig } from './serve.ts'

interface Told extends Finding {
  readonly check: string
}

export function doctorCommand(): Command {
  const command = new Command('doctor').description(
    'Look whether this machine is fit for the back-end: ends with 1 when something has to be mended',
  )
  return withConfig(command)
    .option('--running', 'the back-end runs: its ports are taken by itself')
    .option('--json', 'one line of JSON')
    .action(async (given: { readonly running?: boolean; readonly json?: boolean }) => {
      const found = await examine(configGiven(given as Record<string, unknown>), given.running === true)
      console.log(given.json === true ? JSON.stringify(found) : found.map(lineOf).join('\n'))
      if (found.some(({ state }) => state === 'fail')) process.exitCode = 1
    })
}

/** Every check, in order. One that cannot be done fails; the others go on. */
export async function examine(config: Config, running: boolean): Promise<readonly Told[]> {
  const told: Told[] = []
  for (const [check, look] of Object.entries(CHECKS)) {
    const found = await look({ config, places: placesOf(config), running }).catch((error: Error): Finding[] => [
      { state: 'fail', text: error.message },
    ])
    told.push(...found.map((finding) => ({ check, ...finding })))
  }
  return told
}

const lineOf = ({ state, check, text }: Told): string => `${state.padEnd(4)}  ${check.padEnd(13)} ${text}`
