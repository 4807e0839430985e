import { Command } from 'commander'
import { eccCommand } from './inspect/ecc.ts'
import { epochCommand } from './inspect/epoch.ts'
import { exportCommand } from './inspect/export.ts'
import { helloCommand } from './inspect/hello.ts'
import { paddingCommand } from './inspect/padding.ts'
import { replyCommand } from './inspect/reply.ts'
import { requestCommand } from './inspect/request.ts'

export function inspectCommand(): Command {
  const inspect = new Command('inspect').description('Take messages, times and files apart, field by field')
  const robert = [helloCommand(), requestCommand(), replyCommand(), eccCommand(), epochCommand()]
  for (const command of [...robert, exportCommand(), paddingCommand()]) {
    inspect.addCommand(command.option('--json', 'one line of JSON'))
  }
  return inspect
}
