// A cluster of PostgreSQL for data: it waits for the disk. It can be killed, filled up, copied to a standby and promoted.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { connect } from '../../packages/server/src/store/postgres-connection.ts'
import { postgresPrograms } from '../../packages/server/src/store/throwaway.ts'

export interface Cluster {
  /** Of its socket. */
  readonly directory: string
  /** Starts it where it does not run, and waits until it answers. */
  readonly start: () => Promise<void>
  readonly query: (sql: string) => Promise<readonly Readonly<Record<string, unknown>>[]>
  /** Only the first process: the others notice by themselves. */
  readonly killPostmaster: () => Promise<void>
  /** Every process at once, as when the machine is gone. */
  readonly killAll: () => Promise<void>
  /** Processes that serve clients, at this moment. */
  readonly backends: () => readonly number[]
  /** Largest file in bytes that any process may write; undefined lifts the limit. As a full disk, without being root. */
  readonly limitFiles: (bytes: number | undefined) => void
  /** A copy that follows it, and without which it commits nothing. */
  readonly makeStandby: (directory: string) => Promise<Cluster>
  readonly promote: () => Promise<void>
  readonly stop: () => Promise<void>
}

/** Small, so that a run of crashes meets checkpoints and new segments. */
const SETTINGS = {
  listen_addresses: '',
  fsync: 'on',
  full_page_writes: 'on',
  shared_buffers: '8MB',
  max_connections: '40',
  max_wal_senders: '4',
  wal_level: 'replica',
  checkpoint_timeout: '30s',
  min_wal_size: '2MB',
  max_wal_size: '16MB',
  autovacuum_naptime: '5s',
}

const programs = (): string => {
  const found = postgresPrograms()
  if (found === undefined) throw new Error('no PostgreSQL 15 or later on this machine')
  return found
}

/** PostgreSQL does not run as root. */
function owner(): { readonly uid?: number; readonly gid?: number } {
  if (process.getuid?.() !== 0) return {}
  const idOf = (flag: string) => Number(execFileSync('id', [flag, 'postgres']))
  return { uid: idOf('-u'), gid: idOf('-g') }
}

/** Makes an empty directory that PostgreSQL may write to. */
function makeDirectory(path: string): void {
  mkdirSync(path, { recursive: true })
  const { uid, gid } = owner()
  if (uid !== undefined && gid !== undefined) chownSync(path, uid, gid)
}

/** Runs a program of PostgreSQL to its end. */
async function run(program: string, args: readonly string[], directory: string): Promise<void> {
  const child = spawn(join(programs(), program), args, {
    ...owner(),
    cwd: directory,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`${program}: ${said}`)
}

// The shell holds the server while its pipe is open, so that however this process ends, the cluster goes with it.
const HOLD = `log=$1; shift
"$@" 3<&- >>"$log" 2>&1 & server=$!
{ cat >/dev/null; kill -QUIT "$server" 2>/dev/null; } <&3 &
wait "$server"`

const SEGMENT_MEGABYTES = '1'

export async function makeCluster(directory: string): Promise<Cluster> {
  makeDirectory(directory)
  const init = ['-U', 'vicinity', '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync', '--no-instructions']
  await run('initdb', [...init, '--wal-segsize', SEGMENT_MEGABYTES, '-D', join(directory, 'data')], directory)
  return clusterIn(directory)
}

const START_SECONDS = 60

function clusterIn(directory: string): Cluster {
  const data = join(directory, 'data')
  const url = `postgres:///postgres?host=${encodeURIComponent(directory)}&user=vicinity`
  let holder: ChildProcess | undefined
  /** The processes that `limitFiles` holds for are children of this one, also those that come later. */
  const postmaster = (): number | undefined => {
    try {
      const pid = Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0])
      return isRunning(pid) ? pid : undefined
    } catch {
      return undefined
    }
  }
  const query: Cluster['query'] = async (sql) => {
    const connection = await connect(url)
    try {
      return (await connection.run('harness', sql)).rows
    } finally {
      await connection.close()
    }
  }
  const spawnServer = (): void => {
    const settings = Object.entries({ ...SETTINGS, unix_socket_directories: directory })
    const command = [
      join(programs(), 'postgres'),
      '-D',
      data,
      ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ]
    holder = spawn('/bin/sh', ['-c', HOLD, 'sh', join(directory, 'log.txt'), ...command], {
      ...owner(),
      cwd: directory,
      detached: true,
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    })
    holder.unref()
    ;(holder.stdio[3] as unknown as { unref: () => void }).unref()
  }
  const release = (): void => {
    ;(holder?.stdio[3] as unknown as { destroy: () => void } | undefined)?.destroy()
    holder = undefined
  }
  return {
    directory,
    query,
    async start() {
      const until = performance.now() + 1000 * START_SECONDS
      for (;;) {
        if (postmaster() === undefined && (holder === undefined || holder.exitCode !== null)) {
          release()
          spawnServer()
        }
        await pause(30)
        const answers = await query('select 1').then(
          () => true,
          () => false,
        )
        if (answers) return
        if (performance.now() > until) throw new Error('PostgreSQL does not start: see its log.txt')
      }
    },
    async killPostmaster() {
      const pid = postmaster()
      if (pid !== undefined) process.kill(pid, 'SIGKILL')
      await untilGone(pid)
    },
    async killAll() {
      const pid = postmaster()
      if (pid === undefined) return
      // It makes no further children meanwhile.
      process.kill(pid, 'SIGSTOP')
      const all = [...childrenOf(pid), pid]
      for (const each of all) killIfThere(each)
      for (const each of all) await untilGone(each)
    },
    backends: () => {
      const pid = postmaster()
      return pid === undefined
        ? []
        : childrenOf(pid).filter((child) => titleOf(child).startsWith('postgres: vicinity '))
    },
    limitFiles(bytes) {
      const pid = postmaster()
      if (pid === undefined) return
      for (const each of [pid, ...childrenOf(pid)]) limitFiles(each, bytes)
    },
    async makeStandby(standby) {
      makeDirectory(standby)
      const args = [
        '-h',
        directory,
        '-U',
        'vicinity',
        '-D',
        join(standby, 'data'),
        '-R',
        '-X',
        'stream',
        '-c',
        'fast',
        '-N',
      ]
      await run('pg_basebackup', args, standby)
      const made = clusterIn(standby)
      await made.start()
      await query(`alter system set synchronous_standby_names = '*'`)
      await query('select pg_reload_conf()')
      await untilTrue(async () => {
        const [row] = await query(`select count(*)::int4 as n from pg_stat_replication where sync_state = 'sync'`)
        return row?.['n'] === 1
      })
      return made
    },
    async promote() {
      await query('select pg_promote()')
      await untilTrue(async () => (await query('select pg_is_in_recovery() as r'))[0]?.['r'] === false)
    },
    async stop() {
      release()
      await untilGone(postmaster())
    },
  }
}

async function untilTrue(holds: () => Promise<boolean>): Promise<void> {
  const until = performance.now() + 1000 * START_SECONDS
  while (!(await holds())) {
    if (performance.now() > until) throw new Error('PostgreSQL did not come so far')
    await pause(20)
  }
}

function isRunning(pid: number): boolean {
  try {
    // A zombie has ended; its parent has only not looked yet.
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

async function untilGone(pid: number | undefined): Promise<void> {
  while (pid !== undefined && isRunning(pid)) await pause(5)
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}

function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
          .replace(/^.*\) /, '')
          .split(' ')
        return Number(fields[1]) === parent
      } catch {
        return false
      }
    })
}

function titleOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}

/** Sets the largest file that a running process may write. */
export function limitFiles(pid: number, bytes: number | undefined): void {
  try {
    execFileSync('prlimit', ['--pid', String(pid), `--fsize=${bytes ?? 'unlimited'}:unlimited`], { stdio: 'ignore' })
  } catch {
    // It has ended meanwhile.
  }
}
