// A cluster of PostgreSQL for data: it waits for the disk. It can be killed, filled up, copied to a standby and promoted.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { connect } from '../../packages/server/src/store/postgres-connection.ts'
import { postgresPrograms } from '../../packages/server/src/store/throwaway.ts'
import { childrenOf, isRunning, killIfThere, limitFiles, titleOf, untilGone } from './linux.ts'

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

/** Its first process, where it runs. */
function postmasterOf(directory: string): number | undefined {
  try {
    const pid = Number(readFileSync(join(directory, 'data', 'postmaster.pid'), 'utf8').split('\n')[0])
    return isRunning(pid) ? pid : undefined
  } catch {
    return undefined
  }
}

interface Holder {
  readonly hasEnded: () => boolean
  readonly release: () => void
}

function holdServer(directory: string): Holder {
  const settings = Object.entries({ ...SETTINGS, unix_socket_directories: directory })
  const server = [join(programs(), 'postgres'), '-D', join(directory, 'data')]
  const command = [...server, ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`])]
  const holder = spawn('/bin/sh', ['-c', HOLD, 'sh', join(directory, 'log.txt'), ...command], {
    ...owner(),
    cwd: directory,
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  })
  const pipe = holder.stdio[3] as unknown as { readonly unref: () => void; readonly destroy: () => void }
  holder.unref()
  pipe.unref()
  return { hasEnded: () => holder.exitCode !== null, release: () => pipe.destroy() }
}

function clusterIn(directory: string): Cluster {
  const url = `postgres:///postgres?host=${encodeURIComponent(directory)}&user=vicinity`
  let holder: Holder | undefined
  const postmaster = () => postmasterOf(directory)
  const query: Cluster['query'] = async (sql) => {
    const connection = await connect(url)
    try {
      return (await connection.run('harness', sql)).rows
    } finally {
      await connection.close()
    }
  }
  return {
    directory,
    query,
    start: () =>
      untilTrue(async () => {
        if (postmaster() === undefined && holder?.hasEnded() !== false) {
          holder?.release()
          holder = holdServer(directory)
        }
        return await query('select 1').then(
          () => true,
          () => false,
        )
      }),
    async killPostmaster() {
      const pid = postmaster()
      if (pid === undefined) return
      killIfThere(pid)
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
    backends: () => childrenOf(postmaster()).filter((child) => titleOf(child).startsWith('postgres: vicinity ')),
    limitFiles(bytes) {
      const pid = postmaster()
      for (const each of pid === undefined ? [] : [pid, ...childrenOf(pid)]) limitFiles(each, bytes)
    },
    makeStandby: (standby) => makeStandby(directory, query, standby),
    async promote() {
      await query('select pg_promote()')
      await untilTrue(async () => (await query('select pg_is_in_recovery() as r'))[0]?.['r'] === false)
    },
    async stop() {
      holder?.release()
      await untilGone(postmaster())
    },
  }
}

async function makeStandby(primary: string, query: Cluster['query'], directory: string): Promise<Cluster> {
  makeDirectory(directory)
  const from = ['-h', primary, '-U', 'vicinity', '-D', join(directory, 'data')]
  await run('pg_basebackup', [...from, '-R', '-X', 'stream', '-c', 'fast', '-N'], directory)
  const standby = clusterIn(directory)
  await standby.start()
  await query(`alter system set synchronous_standby_names = '*'`)
  await query('select pg_reload_conf()')
  await untilTrue(async () => {
    const [row] = await query(`select count(*)::int4 as n from pg_stat_replication where sync_state = 'sync'`)
    return row?.['n'] === 1
  })
  return standby
}

/** Seconds that anything may take. */
const PATIENCE = 60

async function untilTrue(holds: () => Promise<boolean>): Promise<void> {
  const until = performance.now() + 1000 * PATIENCE
  while (!(await holds())) {
    if (performance.now() > until) throw new Error('PostgreSQL did not come so far')
    await pause(20)
  }
}
