// Times A against B on a machine that others use too: short slices of both in turn, and of each the 10th percentile.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Work {
  readonly run: () => void
  /** Operations of one run; the times are per operation. */
  readonly operations: number
}

/** One line of the result. A ratio above 1 means that ours is faster; without a demand it is for information. */
export interface Result {
  readonly name: string
  readonly versus: string
  readonly nanoseconds: number
  readonly theirs: number
  readonly ratio: number
  readonly demand: number | undefined
  readonly ok: boolean
}

const SLICE_MS = 0.5
const WARM_MS = 150

export function percentile10(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 10)]!
}

/** How many runs fill a slice, once the compilers have settled. */
function repeats(work: Work): number {
  const until = performance.now() + WARM_MS
  let once = Number.POSITIVE_INFINITY
  while (performance.now() < until) {
    const start = performance.now()
    work.run()
    once = Math.min(once, performance.now() - start)
  }
  return Math.max(1, Math.round(SLICE_MS / Math.max(once, 1e-4)))
}

function slice(work: Work, repeat: number): number {
  const start = performance.now()
  for (let k = 0; k < repeat; k++) work.run()
  return (1e6 * (performance.now() - start)) / (work.operations * repeat)
}

/** Both in this process, slice by slice. */
export function against(ours: Work, theirs: Work, slices = 300): readonly [number, number] {
  const [a, b] = [repeats(ours), repeats(theirs)]
  const times: [number[], number[]] = [[], []]
  for (let k = 0; k < slices; k++) {
    times[0].push(slice(ours, a))
    times[1].push(slice(theirs, b))
  }
  return [percentile10(times[0]), percentile10(times[1])]
}

/** A program of bench/peers, compiled; it prints the nanoseconds per operation of as many slices as it is told. */
export type Peer = (mode: string, slices: number) => readonly number[]

/** Ours in this process and the peer in its own, in turns. */
export function againstPeer(ours: Work, peer: Peer, mode: string, turns = 8, slices = 40): readonly [number, number] {
  const repeat = repeats(ours)
  const times: [number[], number[]] = [[], []]
  for (let turn = 0; turn < turns; turn++) {
    for (let k = 0; k < slices; k++) times[0].push(slice(ours, repeat))
    times[1].push(...peer(mode, slices))
  }
  return [percentile10(times[0]), percentile10(times[1])]
}

/** Compiles bench/peers/NAME.c, or says why it cannot be. */
export function compilePeer(name: string, flags: readonly string[] = []): Peer | string {
  if (process.arch !== 'x64') return `the peers are written for x64, this is ${process.arch}`
  const folder = mkdtempSync(join(tmpdir(), 'vicinity-bench-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  const program = join(folder, name)
  const source = join(import.meta.dirname, 'peers', `${name}.c`)
  const done = spawnSync('gcc', ['-O3', '-march=native', ...flags, '-o', program, source], { encoding: 'utf8' })
  if (done.error !== undefined) return 'no gcc here'
  if (done.status !== 0) return 'does not compile for this processor'
  return (mode, slices) => {
    const ran = spawnSync(program, [mode, `${slices}`], { encoding: 'utf8', timeout: 60_000 })
    if (ran.status !== 0) throw new Error(`peer ${name}: ${ran.stderr}`)
    return ran.stdout.trim().split('\n').map(Number)
  }
}

export function result(name: string, versus: string, times: readonly [number, number], demand?: number): Result {
  const ratio = times[1] / times[0]
  return { name, versus, nanoseconds: times[0], theirs: times[1], ratio, demand, ok: ratio >= (demand ?? 0) }
}

/** One line of text for a result. */
export function line({ name, versus, nanoseconds, theirs, ratio, demand, ok }: Result): string {
  const number = (x: number) => x.toPrecision(x >= 1000 ? 4 : 3).padStart(8)
  const verdict = demand === undefined ? '' : ` demand ${demand} ${ok ? 'ok' : 'MISSED'}`
  return `${name.padEnd(20)} ${versus.padEnd(34)} ${number(nanoseconds)} ns ${number(theirs)} ns  ratio ${number(ratio)}${verdict}`
}
