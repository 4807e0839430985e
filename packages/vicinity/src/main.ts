// The command `vicinity`: one thin file per command.
import { Command } from 'commander'
import { auditCommand } from './audit.ts'
import { demoCommand } from './demo.ts'
import { doctorCommand } from './doctor.ts'
import { inspectCommand } from './inspect.ts'
import { keysCommand } from './keys.ts'
import { labCommand } from './lab.ts'
import { serveCommand } from './serve.ts'
import { storeCommand } from './store-command.ts'
import { UsageError } from './usage.ts'

const program = new Command('vicinity')
  .description('Exposure notification that tells nobody who met whom')
  .version('0.1.0')
  .addCommand(demoCommand())
  .addCommand(serveCommand())
  .addCommand(doctorCommand())
  .addCommand(labCommand())
  .addCommand(inspectCommand())
  .addCommand(keysCommand())
  .addCommand(auditCommand())
  .addCommand(storeCommand())

/** Every command points to its help when it is called wrongly. */
function pointToHelp(command: Command): void {
  command.showHelpAfterError('Run it with --help to see what it takes.')
  command.commands.forEach(pointToHelp)
}
pointToHelp(program)

try {
  await program.parseAsync()
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  console.error(`vicinity: ${error.message}`)
  process.exitCode = 1
}
