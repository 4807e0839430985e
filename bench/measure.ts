// Times A against B on a machine that others use too: short slices of both in turn, and of each the 10th percentile.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Point } from './load.ts'

export interface Work {
  readonly run: () => void
  /** Operations of one run; the times are per operation. */
  readonly operations: number
}

/** Nanoseconds per operation: ours and theirs, or what is demanded; and the points of a curve where there is one. */
export type Times = readonly [ours: number, theirs: number, points?: readonly Point[]]

/** One line of the result. A ratio above 1 means that ours is faster; without a demand it is for information. */
export interface Result {
  readonly name: string
  readonly versus: string
  readonly nanoseconds: number
  readonly theirs: number
  readonly perSecond: number
  readonly ratio: number
  readonly demand: number | null
  readonly ok: boolean
  readonly points?: readonly Point[]
}

const SLICE_MS = 0.5
const SLICES = 300
const WARM_MS = 150
/** After a fork the first write to each page costs a fault: so long until the memory in use is ours again. */
const SETTLE_MS = 250

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
export function against(ours: Work, theirs: Work, slices = SLICES): Times {
  const [a, b] = [repeats(ours), repeats(theirs)]
  const times: [number[], number[]] = [[], []]
  for (let k = 0; k < slices; k++) {
    times[0].push(slice(ours, a))
    times[1].push(slice(theirs, b))
  }
  return [percentile10(times[0]), percentile10(times[1])]
}

/** Work that is done once with each of its inputs and may wait, slice by slice with a yardstick, which is not. */
export async function eachAgainst(
  runs: readonly (() => Promise<void>)[],
  operations: number,
  yardstick: Work,
): Promise<Times> {
  const repeat = repeats(yardstick)
  const times: [number[], number[]] = [[], []]
  for (const run of runs) {
    const start = performance.now()
    await run()
    times[0].push((1e6 * (performance.now() - start)) / operations)
    for (let k = 0; k < SLICES / runs.length; k++) times[1].push(slice(yardstick, repeat))
  }
  return [percentile10(times[0]), percentile10(times[1])]
}

/** A program of bench/peers, compiled; it prints the nanoseconds per operation of as many slices as it is told. */
type Peer = (mode: string, slices: number) => readonly number[]

// "AVX2" is meant literally: with AVX-512 a compiler has three-operand logic and twice the registers.
export const AVX2 = ['-mno-avx512f']

/** Ours in this process and a program of bench/peers in its own, in turns; or why that program cannot run. */
export function againstPeer(
  ours: Work,
  program: string,
  mode: string,
  flags: readonly string[],
  turns = 6,
  slices = 40,
): Times | string {
  const peer = peerOf(program, flags)
  if (typeof peer === 'string') return peer
  const repeat = repeats(ours)
  const times: [number[], number[]] = [[], []]
  for (let turn = 0; turn < turns; turn++) {
    times[1].push(...peer(mode, slices))
    for (const from = performance.now(); performance.now() < from + SETTLE_MS; ) ours.run()
    for (let k = 0; k < slices; k++) times[0].push(slice(ours, repeat))
  }
  return [percentile10(times[0]), percentile10(times[1])]
}

const peers = new Map<string, Peer | string>()

export function peerOf(program: string, flags: readonly string[]): Peer | string {
  const name = [program, ...flags].join(' ')
  const known = peers.get(name) ?? compilePeer(program, flags)
  peers.set(name, known)
  return known
}

/** Compiles bench/peers/NAME.c, or says why it cannot be. */
function compilePeer(name: string, flags: readonly string[]): Peer | string {
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

export function result(
  name: string,
  versus: string,
  [nanoseconds, theirs, points]: Times,
  demand: number | null = null,
): Result {
  const ratio = theirs / nanoseconds
  const ok = ratio >= (demand ?? 0)
  const line = { name, versus, nanoseconds, theirs, perSecond: 1e9 / nanoseconds, ratio, demand, ok }
  return points === undefined ? line : { ...line, points }
}

const number = (x: number): string => x.toPrecision(x >= 1000 ? 4 : 3).padStart(8)

function time(nanoseconds: number): string {
  if (nanoseconds < 1e4) return `${number(nanoseconds)} ns`
  if (nanoseconds < 1e7) return `${number(nanoseconds / 1e3)} µs`
  return nanoseconds < 1e9 ? `${number(nanoseconds / 1e6)} ms` : `${number(nanoseconds / 1e9)} s `
}

function rate(perSecond: number): string {
  if (perSecond < 1e3) return `${number(perSecond)} /s `
  return perSecond < 1e6 ? `${number(perSecond / 1e3)} k/s` : `${number(perSecond / 1e6)} M/s`
}

/** One line of text for a result. */
export function line({ name, versus, nanoseconds, theirs, perSecond, ratio, demand, ok }: Result): string {
  const verdict = demand === null ? '' : ` demand ${demand} ${ok ? 'ok' : 'MISSED'}`
  const figures = `${time(nanoseconds)} ${rate(perSecond)} ${time(theirs)}  ratio ${number(ratio)}${verdict}`
  return `${name.padEnd(32)} ${versus.padEnd(34)} ${figures}`
}
