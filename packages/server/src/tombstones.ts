// Who left is remembered outside the database and its backups, so that restoring an old copy brings nobody back. A mark is a keyed hash
// of an id: without the key directory it names nobody, and with it only whoever has the id already.
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { ascii, concat, dayOf, type Random, toHex, type UnixSeconds, writeUint } from '@vicinity/protocol'
import { equalBytes, hmacSha256 } from '@vicinity/protocol/crypto'
import type { PermanentId } from '@vicinity/protocol/robert'
import type { KeyFiles } from './keys/key-files.ts'
import { NOBODY_LEFT } from './store/departures.ts'

const MARK = NOBODY_LEFT.length
const BLOCK = 1024
const MARKS = BLOCK / MARK
const BLOCKS = 64
const NAME = /^departed-(\d+)-[0-9a-f]{16}$/

export interface Tombstones {
  /** 16 bytes that stand for a user. The same work for whoever asks: `NOBODY_LEFT` is not made here. */
  readonly markOf: (id: PermanentId) => Uint8Array
  /**
   * On disk when it resolves. Whoever is among the marks, it is one write of one size for each 64 of them: a block that holds what it
   * held before where all of them are `NOBODY_LEFT`.
   */
  readonly record: (marks: readonly Uint8Array[]) => Promise<void>
  /**
   * Begins the file of a new day, and removes files that no backup needs any more. Who calls it has noted the time in the database: a
   * file of a day is the proof that there is a database of that day.
   */
  readonly keep: (at: UnixSeconds) => Promise<void>
  /** The newest day of which there is a file, of whatever process; undefined where there is none. */
  readonly newestDay: () => number | undefined
  readonly close: () => Promise<void>
}

/** For worlds in memory: nothing will be restored there. */
export const NO_TOMBSTONES: Tombstones = {
  markOf: () => NOBODY_LEFT,
  record: async () => {},
  keep: async () => {},
  newestDay: () => undefined,
  close: async () => {},
}

/** Days that a backup may live, and a mark with it: whoever left before is in no backup any more. */
export const backupDays = (contagiousDays: number): number => contagiousDays + 7

/** The key of the marks; made where there is none. */
export function tombstoneKey(files: KeyFiles, random: Random): Uint8Array {
  const key = files.read('tombstone') ?? files.create('tombstone', random(32))
  if (key.length !== 32) throw new Error('the key tombstone is damaged')
  return key
}

export function markOf(key: Uint8Array, id: PermanentId): Uint8Array {
  const number = new Uint8Array(6)
  // Nobody is -1.
  writeUint(number, 0, 6, id + 1)
  return hmacSha256(key, concat(ascii('departed'), number)).subarray(0, MARK)
}

export interface TombstoneInput {
  readonly directory: string
  readonly key: Uint8Array
  readonly random: Random
  /** Days that a backup may live. */
  readonly days: number
  readonly at: UnixSeconds
}

/** One file of a fixed size a day and process: several servers may have one directory. */
export function openTombstones({ directory, key, random, days, at }: TombstoneInput): Tombstones {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  let day = dayOf(at)
  let file: FileHandle | undefined
  let block = 0
  let used = 0
  let bytes = new Uint8Array(BLOCK)
  const beginFile = async () => {
    const next = await newFile(directory, day, random)
    await file?.close()
    file = next
    ;[block, used, bytes] = [0, 0, new Uint8Array(BLOCK)]
  }
  const beginBlock = async () => {
    if (block === BLOCKS - 1) return beginFile()
    ;[block, used, bytes] = [block + 1, 0, new Uint8Array(BLOCK)]
  }
  // Marks are added to the block in memory and the whole of it is written again. What lies on disk already is written as it is, so
  // that a write that the power cut short leaves it as it was.
  const write = async (marks: readonly Uint8Array[]) => {
    if (file === undefined) await beginFile()
    if (used + marks.length > MARKS) await beginBlock()
    for (const mark of marks) {
      bytes.set(mark, used * MARK)
      used += equalBytes(mark, NOBODY_LEFT) ? 0 : 1
    }
    await file!.write(bytes, 0, BLOCK, block * BLOCK)
    await file!.datasync()
  }
  let last: Promise<void> = Promise.resolve()
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const result = last.then(work)
    last = result.catch(() => {})
    return result
  }
  return {
    markOf: (id) => markOf(key, id),
    record: (marks) =>
      inTurn(async () => {
        for (let from = 0; from < marks.length; from += MARKS) await write(marks.slice(from, from + MARKS))
      }),
    keep: (now) =>
      inTurn(async () => {
        removeOld(directory, dayOf(now) - days - 1)
        const today = dayOf(now)
        // A process that starts again and again, and answers nobody, leaves no file each time.
        const isBegun = file === undefined ? newestOf(daysIn(directory)) === today : day === today
        day = today
        if (!isBegun) await beginFile()
      }),
    newestDay: () => newestOf(daysIn(directory)),
    close: () => inTurn(async () => await file?.close()),
  }
}

/** Its blocks are on disk before the first mark is: writing them again grows nothing, and takes as long for everybody. */
async function newFile(directory: string, day: number, random: Random): Promise<FileHandle> {
  const file = await open(join(directory, `departed-${day}-${toHex(random(8))}`), 'wx', 0o600)
  await file.write(new Uint8Array(BLOCK * BLOCKS))
  await file.sync()
  const parent = await open(directory, 'r')
  await parent.sync()
  await parent.close()
  return file
}

/** Names of files, with their days. */
const daysIn = (directory: string): readonly (readonly [name: string, day: number])[] =>
  readdirSync(directory).flatMap((name) => {
    const day = NAME.exec(name)?.[1]
    return day === undefined ? [] : [[name, Number(day)] as const]
  })

const newestOf = (files: ReturnType<typeof daysIn>): number | undefined =>
  files.length === 0 ? undefined : Math.max(...files.map(([, day]) => day))

function removeOld(directory: string, before: number): void {
  for (const [name, day] of daysIn(directory)) if (day < before) rmSync(join(directory, name), { force: true })
}

/** The marks in directories of tombstones, as hexadecimal digits. */
export function marksIn(directories: readonly string[]): ReadonlySet<string> {
  const marks = new Set<string>()
  for (const directory of directories) {
    for (const [name] of daysIn(directory)) {
      const bytes = readFileSync(join(directory, name))
      for (let from = 0; from + MARK <= bytes.length; from += MARK) marks.add(bytes.toString('hex', from, from + MARK))
    }
  }
  marks.delete(toHex(NOBODY_LEFT))
  return marks
}
