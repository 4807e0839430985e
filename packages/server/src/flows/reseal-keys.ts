import { DAY_SECONDS, type UnixSeconds } from '@vicinity/protocol'
import type { Deps } from '../deps.ts'
import { unlessAltered } from '../deps.ts'
import type { SealedKeys } from '../store/sealed-keys.ts'
import { NOBODY } from '../store/store.ts'
import { backupDays } from '../tombstones.ts'

const PAGE = 1000

/** Beyond the life of a backup, whose rows are under the data key of its time. */
const SPARE_DAYS = 1

/**
 * Brings every key of a user under the newest data key, a page a transaction: wherever it is stopped, the next run goes on. Older data
 * keys are destroyed when no row is under them, and no backup that may be restored has one.
 */
export async function resealKeys(deps: Deps, at: UnixSeconds): Promise<void> {
  const { keys } = deps
  keys.learn()
  if (keys.dataVersions.length < 2) return
  let [after, resealed] = [NOBODY, 0]
  while (!deps.stopping.aborted) {
    const from = after
    const page = await deps.store.transaction(async (tx) => {
      const rows = await tx.keysNotUnder(keys.dataKey.version, from, PAGE)
      const changes = rows.flatMap((row) =>
        unlessAltered(deps, 'store.userAltered', () => ({ from: row, to: resealedRow(deps, row) })),
      )
      await tx.replaceKeys(changes)
      resealed += changes.length
      return rows
    })
    const last = page.at(-1)
    if (last === undefined) break
    after = last.id
  }
  deps.count('keys.resealed', resealed)
  const made = keys.dataKeyMade
  const oldest = (backupDays(deps.robert.parameters.contagiousDays) + SPARE_DAYS) * DAY_SECONDS
  if (resealed === 0 && !deps.stopping.aborted && made !== undefined && at - made >= oldest) keys.destroyOldDataKeys()
}

function resealedRow({ seal, open }: Deps, { id, authenticationKey, encryptionKey }: SealedKeys): SealedKeys {
  return {
    id,
    authenticationKey: seal('authentication', id, open('authentication', id, authenticationKey)),
    encryptionKey: seal('encryption', id, open('encryption', id, encryptionKey)),
  }
}
