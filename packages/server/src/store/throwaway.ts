// `postgres:throwaway`: a cluster of its own, in a directory that goes with it. For tests, the lab and trying out, never for data.

import { execFileSync, spawn } from 'node:child_process'
import { chownSync, existsSync, globSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { BadStore } from './failures.ts'
import type { Server } from './postgres.ts'
import { connect } from './postgres-connection.ts'

const OLDEST = 15
const START_ATTEMPTS = 1200
const ATTEMPT_MILLISECONDS = 50

/** The newest PostgreSQL of this machine that is new enough: its directory of programs. `VICINITY_POSTGRES` names another. */
export function postgresPrograms(): string | undefined {
  const named = process.env['VICINITY_POSTGRES']
  if (named !== undefined) return named
  const version = (path: string) => Number(/(\d+)\/bin$/.exec(path)?.[1])
  const packaged = globSync('/usr/lib/postgresql/*/bin')
    .filter((path) => version(path) >= OLDEST)
    .sort((a, b) => version(b) - version(a))
  const onPath = (process.env['PATH'] ?? '').split(delimiter)
  return [...packaged, ...onPath].find((directory) =>
    ['initdb', 'postgres'].every((name) => existsSync(join(directory, name))),
  )
}

/** PostgreSQL does not run as root: then as the user that its package made. */
function owner(): { readonly uid?: number; readonly gid?: number } {
  if (process.getuid?.() !== 0) return {}
  const idOf = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { stdio: 'pipe' }))
  try {
    return { uid: idOf('-u'), gid: idOf('-g') }
  } catch {
    throw new BadStore('PostgreSQL does not run as root, and there is no user postgres: start this as another user')
  }
}

// The shell holds the server while its standard input is open, so that however this process ends, the cluster goes with it.
const HOLD = `directory=$1; shift
"$@" 3<&- & server=$!
{ cat >/dev/null; kill -QUIT "$server" 2>/dev/null; } <&3 &
wait "$server"
rm -rf "$directory"`

/** Starts a cluster that listens on a socket in its own directory and nowhere else. A durable one waits for the disk, as one for data. */
export async function startThrowaway(durable = false): Promise<Server> {
  const programs = postgresPrograms()
  if (programs === undefined) {
    throw new BadStore('no PostgreSQL 15 or later on this machine: install it (Debian: apt-get install postgresql)')
  }
  const as = owner()
  const directory = mkdtempSync(join(tmpdir(), 'vicinity-postgres-'))
  try {
    if (as.uid !== undefined && as.gid !== undefined) chownSync(directory, as.uid, as.gid)
    const data = join(directory, 'data')
    await finished(join(programs, 'initdb'), [...INIT, '-D', data], { ...as, cwd: directory })
    const settings = Object.entries({ ...SETTINGS, ...(durable ? DURABLE : HASTY), unix_socket_directories: directory })
    const server = [
      join(programs, 'postgres'),
      '-D',
      data,
      ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ]
    return await held(directory, server, as)
  } catch (error) {
    rmSync(directory, { recursive: true, force: true })
    throw error
  }
}

const INIT = ['-U', 'vicinity', '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync', '--no-instructions']

const SETTINGS = { listen_addresses: '', max_connections: '64', wal_level: 'minimal', max_wal_senders: '0' }

/** Nothing of it has to survive, so nothing waits for the disk. */
const HASTY = { fsync: 'off', full_page_writes: 'off', autovacuum_naptime: '1h', shared_buffers: '64MB' }

/** As `docs/operating.md` asks of a server for data, in small. */
const DURABLE = {
  shared_buffers: '512MB',
  wal_compression: 'lz4',
  checkpoint_timeout: '30min',
  max_wal_size: '4GB',
}

async function held(directory: string, command: readonly string[], as: ReturnType<typeof owner>): Promise<Server> {
  const child = spawn('/bin/sh', ['-c', HOLD, 'sh', directory, ...command], {
    ...as,
    cwd: directory,
    // Of its own group: what stops this process from the terminal leaves the server time to be closed.
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  })
  const holding = child.stdio[3] as unknown as { readonly end: () => void; readonly unref: () => void }
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()).once('error', () => resolve()))
  let over = false
  void ended.then(() => {
    over = true
  })
  const url = `postgres:///postgres?host=${encodeURIComponent(directory)}&user=vicinity`
  const stop = async () => {
    child.ref()
    holding.end()
    await ended
    rmSync(directory, { recursive: true, force: true })
  }
  for (let attempt = 0; ; attempt++) {
    const connection = await connect(url).catch(() => undefined)
    if (connection !== undefined) {
      await connection.close()
      child.unref()
      holding.unref()
      return { url, stop }
    }
    await pause(ATTEMPT_MILLISECONDS)
    if (over || attempt === START_ATTEMPTS) {
      await stop()
      throw new BadStore('PostgreSQL did not start: look whether there is room in the directory for temporary files')
    }
  }
}

/** Runs a program to its end. */
function finished(program: string, args: readonly string[], options: object): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { ...options, stdio: 'ignore' })
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) resolve()
      else
        reject(
          new BadStore(`${program} failed: it needs room, and a directory that its user may enter, in ${tmpdir()}`),
        )
    })
  })
}
