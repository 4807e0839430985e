import { writeFileSync } from 'node:fs'
import {
  BadReplay,
  BadTrace,
  jsonOf,
  loadTrace,
  PROTOCOLS,
  type ReplayOptions,
  replay,
  reportPage,
} from '@vicinity/lab'
import { Command, Option } from 'commander'
import { Progress } from './progress.ts'
import { reportOf } from './report.ts'
import { isOfStore, STORES } from './store.ts'
import { resultTable } from './table.ts'
import { fraction, UsageError, wholeNumber } from './usage.ts'

interface LabOptions extends Omit<ReplayOptions, 'declare'> {
  readonly declare?: readonly number[]
  readonly json?: boolean
  readonly report?: string
}

export function labCommand(): Command {
  const lab = new Command('lab').description('Phones and back-ends in one process, under a virtual clock')
  lab
    .command('replay')
    .description('Live through a recorded contact network')
    .argument('<trace>', 'SocioPatterns file (t i j …) or CSV with the columns t,i,j; plain or gzip')
    .option('--declare <ids>', 'people who are diagnosed at the end and declare, separated by commas', ids)
    .option('--wire', 'send every call through HTTP on loopback', false)
    .option('--adoption <share>', 'share of the people who carry the application', fraction('--adoption'), 1)
    .option('--loss <share>', 'share of the broadcasts that are not received', fraction('--loss'), 0)
    .addOption(
      new Option('--filter <name>', 'what a phone holds back of what it heard')
        .choices(['none', 'default'])
        .default('default'),
    )
    .option('--seed <number>', 'equal seeds give equal runs', wholeNumber('--seed', 0, Number.MAX_SAFE_INTEGER), 1)
    .addOption(
      new Option('--protocol <name>', 'what the phones speak; both: the same contacts for either')
        .choices(PROTOCOLS)
        .default('robert'),
    )
    .option('--store <url>', `where the back-end keeps its data, empty: ${STORES} (default: sqlite::memory:)`)
    .option('--json', 'one line of JSON, last on standard output')
    .option('--report <file>', 'write one page to look at: who met, who was warned, who learnt what')
    .action(async (path: string, { json, report: file, declare = [], ...options }: LabOptions) => {
      await told(async () => {
        if (file !== undefined && options.protocol === 'gaen') {
          throw new UsageError('--report shows phones of ROBERT: take --protocol robert or both')
        }
        const trace = loadTrace(path)
        const asked = { ...options, declare }
        const report = file === undefined ? undefined : reportOf(path, trace, asked)
        if (file !== undefined) write(file, '', 'a')
        const progress = new Progress()
        const replayed = await replay(trace, {
          ...asked,
          ...(report !== undefined && { watch: report.watch }),
          onProgress: (share, what) => progress.show(share, what),
        }).finally(() => progress.end())
        await replayed.world.close()
        if (file !== undefined && report !== undefined) {
          write(file, reportPage(report.report()))
          console.error(`The report lies in ${file}`)
        }
        console.log(json ? JSON.stringify(jsonOf(replayed)) : resultTable(replayed))
      })
    })
  return lab
}

/** Runs, and tells the mistakes that a user can make in one line. */
export async function told(run: () => Promise<void>): Promise<void> {
  try {
    await run()
  } catch (error) {
    if (error instanceof BadTrace || error instanceof BadReplay || isOfStore(error)) throw new UsageError(error.message)
    throw error
  }
}

/** Also tried before a long replay, so that it is not lived through in vain. */
function write(file: string, text: string, flag = 'w'): void {
  try {
    writeFileSync(file, text, { flag })
  } catch (error) {
    throw new UsageError(`${file} cannot be written: ${(error as NodeJS.ErrnoException).code}`)
  }
}

function ids(text: string): number[] {
  return text.split(',').map(wholeNumber('--declare', 0, Number.MAX_SAFE_INTEGER))
}
