// A database is lost, and yesterday's backup of it is restored: what becomes of the people (F19).
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { later } from '@vicinity/protocol'
import { backUp, restore } from '../../packages/server/src/backup/backup.ts'
import { placeOfStore } from '../../packages/server/src/backup/places.ts'
import { makeDeps } from '../../packages/server/src/deps.ts'
import { memoryKeys } from '../../packages/server/src/keys/key-files.ts'
import { openStore } from '../../packages/server/src/store/open.ts'
import { openTombstones, tombstoneKey } from '../../packages/server/src/tombstones.ts'
import { Story } from './story.ts'

const DAY = 86_400
const app = {}
const random = (length: number) => randomBytes(length)
const quiet = () => {}

/** A story whose database can be backed up, lost and restored; its keys and the marks of who left lie elsewhere. */
async function begin(t: { after(run: () => void): void }, people: Readonly<Record<string, object>>) {
  const directory = mkdtempSync(join(tmpdir(), 'vicinity-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const keyFiles = memoryKeys()
  const departed = join(directory, 'departed')
  const tombstones = await openTombstones({
    directory: departed,
    key: tombstoneKey(keyFiles, random),
    random,
    days: 21,
    at: 0 as never,
  })
  const url = (name: string) => `sqlite:${join(directory, name)}`
  const story = await Story.begin({ people, keeping: { store: url('first'), keyFiles, tombstones } })
  const key = random(32)
  const path = join(directory, 'backup')
  const { deps } = story.country
  return {
    story,
    backUp: () => backUp({ place: placeOfStore(url('first')), path, key, random, at: story.now, progress: quiet }),
    /** The back-end starts again, on what the backup makes of a new database. */
    loseAndRestore: async () => {
      await deps.store.close()
      const place = placeOfStore(url('second'))
      const restored = await restore({
        place,
        path,
        key,
        keyFiles,
        departed: [departed],
        days: 21,
        at: story.now,
        before: quiet,
        progress: quiet,
      })
      const { random: drawn, gaenRandom, settings, exportFiles } = deps
      const again = makeDeps({
        store: openStore(url('second')),
        keyFiles,
        tombstones,
        random: drawn,
        gaenRandom,
        settings,
        exportFiles: exportFiles!,
      })
      Object.assign(deps, again)
      return restored
    },
  }
}

test('after a restore of yesterday who was at risk is warned, and who left has left (T-71)', async (t) => {
  const { story, backUp: takeBackup, loseAndRestore } = await begin(t, { C: app, A: app, Sleeper: app, Leaver: app })
  await using _ = story
  await story.near('C', 'A', { from: story.time(1, '09:00'), minutes: 20 })
  await story.near('C', 'Sleeper', { from: story.time(1, '10:00'), minutes: 20 })
  story.switchOff('Sleeper')
  await story.declares('C', { days: 1 })
  const leaver = story.idOf('Leaver')
  await takeBackup()

  // The day that is lost: A is told and acknowledges, somebody leaves, somebody comes.
  await story.everybodyAsks()
  assert.deepEqual([story.isWarned('A'), story.isWarned('Sleeper')], [true, false])
  await story.phone('Leaver').happens({ type: 'leave' })
  await story.until(later(story.now, DAY))
  const newcomer = story.world.addPhone('New', app)
  await newcomer.happens({ type: 'install' })

  const { left, generation } = await loseAndRestore()
  assert.deepEqual([left, generation], [1, 1])
  const { store } = story.country.deps
  assert.equal((await store.transaction((tx) => tx.usersOf([leaver]))).size, 0)
  assert.equal(story.counted('registered'), 0)

  // Whoever had not asked yet is warned; who was warned already stays so.
  await story.switchOn('Sleeper')
  await story.everybodyAsks()
  assert.deepEqual([story.isWarned('A'), story.isWarned('Sleeper')], [true, true])

  // The back-end does not know the newcomer: after three replies that do not open the phone registers anew, by its own rule.
  for (let polls = 0; polls < 5; polls++) await story.everybodyAsks()
  assert.equal(story.counted('registered'), 1)
})
