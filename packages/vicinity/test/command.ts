import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url))
export const ROOT: string = fileURLToPath(new URL('../../../', import.meta.url))

export interface Ended {
  readonly code: number | null
  readonly out: string
  readonly error: string
}

/** Starts `vicinity` as a process of its own, with `environment` beside that of this process. */
export function start(args: readonly string[], cwd: string = ROOT, environment: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, ['--conditions=@vicinity/source', MAIN, ...args], {
    cwd,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  let error = ''
  const waiting: { pattern: RegExp; found: (text: string) => void }[] = []
  const look = () => {
    for (const { pattern, found } of waiting) if (pattern.test(out + error)) found(out + error)
  }
  child.stdout.on('data', (data) => {
    out += data
    look()
  })
  child.stderr.on('data', (data) => {
    error += data
    look()
  })
  const ended = new Promise<Ended>((resolve) => child.on('close', (code) => resolve({ code, out, error })))
  return {
    child,
    ended,
    /** What was printed when it fits, or when the process ended without it. */
    prints: (pattern: RegExp): Promise<string> =>
      Promise.race([
        new Promise<string>((found) => {
          waiting.push({ pattern, found })
          look()
        }),
        ended.then((end) => Promise.reject(new Error(`ended without ${pattern}: ${end.error}`))),
      ]),
  }
}

export const run = (args: readonly string[], cwd?: string): Promise<Ended> => start(args, cwd).ended
