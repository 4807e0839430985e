import { Command } from 'commander'
import { eccCommand } from './inspect/ecc.ts'
import { epochCommand } from './inspect/epoch.ts'
import { helloCommand } from './inspect/hello.ts'
import { replyCommand } from './inspect/reply.ts'
import { requestCommand } from './inspect/request.ts'

export function inspectCommand(): Command {
  const inspect = new Command('inspect').description('Take messages and times apart, field by field')
  for (const command of [helloCommand(), requestCommand(), replyCommand(), eccCommand(), epochCommand()]) {
    inspect.addCommand(command.option('--json', 'one line of JSON'))
  }
  return inspect
}
