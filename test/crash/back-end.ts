// A back-end of one or several processes over one store, one key directory and one directory of exports, and what lies there.
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fromHex, type Random, toHex } from '@vicinity/protocol'
import { fromBase64, keyAt, openArchive, parseIndex, type VerificationKey } from '@vicinity/protocol/gaen'
import { headsPath, type Role, verifyLog } from '@vicinity/server'
import type { Snapshot } from './check.ts'
import { type ServerProcess, startServer } from './processes.ts'
import type { Registered, Sabotage } from './server.ts'
import { BEGINNING, SETTINGS, type SharedClock, setClock, sharedClock } from './settings.ts'

/** What a fault may use. */
export interface FaultContext {
  readonly random: Random
  /** Resolves when a fault that waits for something need not wait any longer. */
  readonly patience: () => Promise<void>
}

export interface Fault {
  readonly name: string
  /** Resolves when the fault is over. Whatever it ended is started again by then, or by `heal`. */
  readonly run: (context: FaultContext) => Promise<void>
}

/** A database of its own, and what can go wrong with it. */
export interface Engine {
  readonly name: 'sqlite' | 'postgres'
  /** As the processes are given it. */
  readonly url: string
  /** One process each. */
  readonly roles: readonly Role[]
  readonly faults: () => readonly Fault[]
  /** One that takes long. */
  readonly rare?: Fault
  /** Rows of IDTable, and what is wrong with the database as such, read past the back-end. */
  readonly inspect: () => Promise<Pick<Snapshot, 'users' | 'damage'>>
  /** Brings the database back, whatever was done to it. */
  readonly heal: () => Promise<void>
  /** Ends it; what it has written is kept where that is wanted. */
  readonly stop: (keep: boolean) => Promise<void>
}

export interface BackEnd {
  readonly engine: Engine
  readonly directory: string
  readonly clock: SharedClock
  readonly processes: () => readonly ServerProcess[]
  /** Addresses of those that answer clients. */
  readonly urls: () => readonly string[]
  readonly publicKey: () => Uint8Array
  /** Starts what is not running; resolves when all answer, or rejects with the last words of one that does not start. */
  readonly startAll: () => Promise<void>
  /** Starts the process of a place anew, if it is not running; resolves when it answers or is gone. */
  readonly start: (place: number) => Promise<void>
  /** Lets time pass. Nothing may be on its way. */
  readonly pass: (seconds: number) => void
  readonly stop: (keep: boolean) => Promise<void>
}

/** Attempts until all processes run, and milliseconds that one may take. */
const STARTS = 5
const START_MILLISECONDS = 30_000

export function makeBackEnd(engine: Engine, directory: string, sabotage: Sabotage = 'nothing'): BackEnd {
  mkdirSync(directory, { recursive: true })
  const clockPath = join(directory, 'clock')
  setClock(clockPath, BEGINNING)
  const clock = sharedClock(clockPath)
  const places: (ServerProcess | undefined)[] = engine.roles.map(() => undefined)
  let publicKey: string | undefined
  const start = async (place: number): Promise<void> => {
    if (places[place]?.isAlive()) return await begun(places[place])
    const options = {
      role: engine.roles[place]!,
      store: engine.url,
      keys: join(directory, 'keys'),
      // A log has one writer.
      audit: auditPath(directory, place),
      exports: join(directory, 'exports'),
      clock: clockPath,
      sabotage,
    }
    const started = startServer(options, join(directory, `server-${place}.txt`))
    places[place] = started
    await begun(started)
  }
  const processes = () => places.filter((process) => process !== undefined)
  return {
    engine,
    directory,
    clock,
    processes,
    urls: () => processes().flatMap((process) => (process.options.role === 'worker' ? [] : (process.url() ?? []))),
    publicKey: () => fromHex(publicKey!),
    start,
    async startAll() {
      for (let attempt = 1; ; attempt++) {
        // A front makes no server keys, and looks for those of others every minute only.
        if (engine.roles.includes('front')) await start(engine.roles.findIndex((role) => role !== 'front'))
        await Promise.all(places.map((_, place) => start(place)))
        publicKey ??= processes()[0]!.publicKey()
        if (processes().every((process) => process.isAlive())) return
        if (attempt === STARTS) throw new Error('a process of the back-end does not start: see server-*.txt')
        await pause(50 * attempt)
      }
    },
    pass: (seconds) => setClock(clockPath, clock.now() + seconds),
    async stop(keep) {
      await Promise.all(processes().map((process) => process.kill('SIGKILL')))
      await engine.stop(keep)
    },
  }
}

/** Resolves when it answers or is gone; one that does neither is ended. */
async function begun(process: ServerProcess): Promise<void> {
  const late = setTimeout(() => void process.kill('SIGKILL'), START_MILLISECONDS)
  await process.begun
  clearTimeout(late)
}

const auditPath = (directory: string, place: number): string => join(directory, `audit-${place}.log`)

/** What the back-end holds now. Rejects while it cannot be read. */
export async function takeSnapshot(
  { engine, directory, clock, processes, urls }: BackEnd,
  round: number,
  phones: readonly Registered[],
): Promise<Snapshot> {
  const process = processes().find(({ options }) => options.role !== 'front')!
  const { accounts, queuedWindows } = await process.look(phones)
  const keys = await exportKeys(urls()[0]!)
  const { users, damage } = await engine.inspect()
  const files = listedFiles(join(directory, 'exports'), keys)
  return {
    round,
    accounts,
    queuedWindows,
    users,
    intakeKeys: overIntakeKeys(join(directory, 'keys'), clock.now()),
    listed: countsOf(files.flatMap(({ keys: list }) => namesIn(list))),
    revised: countsOf(files.flatMap(({ revisedKeys }) => namesIn(revisedKeys))),
    damage: [...damage, ...engine.roles.flatMap((_, place) => auditFaults(auditPath(directory, place)))],
  }
}

async function exportKeys(url: string): Promise<readonly VerificationKey[]> {
  const response = await fetch(`${url}/v1/export-keys`)
  const keys = (await response.json()) as (Omit<VerificationKey, 'point'> & { readonly point: string })[]
  return keys.map((key) => ({ ...key, point: fromBase64(key.point) }))
}

/** All that a phone downloads: every file of the index, verified. Throws where one is missing or not genuine. */
function listedFiles(directory: string, trusted: readonly VerificationKey[]) {
  const index = join(directory, 'index.txt')
  const paths = existsSync(index) ? parseIndex(readFileSync(index)) : []
  return paths.map((path) => {
    const opened = openArchive(readFileSync(join(directory, path)), [trusted])
    if (!opened.ok) throw new Error(`${path}: ${opened.reason}`)
    return opened.value
  })
}

const namesIn = (list: Parameters<typeof keyAt>[0]): string[] =>
  Array.from({ length: list.count }, (_, k) => toHex(keyAt(list, k).keyData))

function countsOf(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1
  return counts
}

/** Requests that began before the end of a window may last so long. */
const GRACE = 120

function overIntakeKeys(directory: string, now: number): number {
  const windows = readdirSync(directory).flatMap((name) => /^intake-(\d+)/.exec(name)?.[1] ?? [])
  return windows.filter((window) => (Number(window) + 1) * SETTINGS.parameters.poolWindow + GRACE < now).length
}

function auditFaults(path: string): string[] {
  if (!existsSync(path)) return []
  const { fault } = verifyLog({ log: readFileSync(path), heads: readFileSync(headsPath(path)) })
  return fault === undefined ? [] : [`${path}: ${fault.kind}, entry ${fault.entry ?? '-'}, head ${fault.head ?? '-'}`]
}
