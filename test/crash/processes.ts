// The processes of the back-end under test. Each is ended by its id, and ends by itself when this one does.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Death, Registered, Said, ServerOptions, Told } from './server.ts'

const SCRIPT = new URL('server.ts', import.meta.url).pathname
/** Compiled code, so that a process starts in half the time. */
const COMPILED = join(tmpdir(), 'vicinity-crash-compiled')

export interface ServerProcess {
  readonly options: ServerOptions
  readonly pid: number
  /** Where it answers; undefined until it does, and when it is gone. */
  readonly url: () => string | undefined
  readonly publicKey: () => string | undefined
  readonly isAlive: () => boolean
  /** Resolves when it answers or is gone. */
  readonly begun: Promise<void>
  readonly ended: Promise<unknown>
  readonly kill: (signal: 'SIGKILL' | 'SIGTERM') => Promise<void>
  readonly die: (death: Death) => void
  /** Rejects when it cannot tell, or is gone. */
  readonly look: (phones: readonly Registered[]) => Promise<Extract<Said, { readonly seen: unknown }>['seen']>
}

/** Starts one. What it says goes to `output`: a file, for whoever looks for the reason of a violation. */
export function startServer(options: ServerOptions, output: string): ServerProcess {
  const child: ChildProcess = fork(SCRIPT, [JSON.stringify(options)], {
    execArgv: ['--conditions=@vicinity/source', '--disable-warning=ExperimentalWarning'],
    env: { ...process.env, NODE_COMPILE_CACHE: COMPILED },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const log = createWriteStream(output, { flags: 'a' })
  child.stdout!.pipe(log, { end: false })
  child.stderr!.pipe(log, { end: false })
  let alive = true
  let told: Extract<Said, { readonly url: string }> | undefined
  let asking: { readonly resolve: (said: Said) => void; readonly reject: (error: Error) => void } | undefined
  const begun = Promise.withResolvers<void>()
  child.on('message', (said: Said) => {
    if ('url' in said) {
      told = said
      begun.resolve()
    } else asking?.resolve(said)
  })
  const ended = once(child, 'close').then(() => {
    alive = false
    begun.resolve()
    asking?.reject(new Error('the process is gone'))
    log.end()
  })
  const tell = (message: Told) => {
    if (alive && child.connected) child.send(message, () => {})
  }
  return {
    options,
    pid: child.pid!,
    url: () => (alive ? told?.url : undefined),
    publicKey: () => told?.publicKey,
    isAlive: () => alive,
    begun: begun.promise,
    ended,
    async kill(signal) {
      if (alive) child.kill(signal)
      await ended
    },
    die: (death) => tell({ die: death }),
    async look(phones) {
      const answer = Promise.withResolvers<Said>()
      asking = answer
      if (!alive) throw new Error('the process is gone')
      tell({ look: phones })
      const said = await answer.promise
      if ('seen' in said) return said.seen
      throw new Error('failed' in said ? said.failed : 'not what was asked')
    },
  }
}
