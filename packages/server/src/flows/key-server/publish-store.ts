import { type Outcome, toHex, type UnixSeconds } from '@vicinity/protocol'
import { PUBLISH, type PublishPlan, type RevisionRefusal } from '@vicinity/protocol/gaen'
import type { Deps } from '../../deps.ts'
import { HERE, type KeyRevision, type NewKey, NO_KEY, type StoredKey } from '../../store/key-server.ts'

type Plan = (known: ReadonlyMap<string, StoredKey>) => Outcome<PublishPlan, RevisionRefusal>

const HOUR = 3600
const NOWHERE = 'none'

/** Fills up to what the largest publish needs. */
const filled = <Value>(values: readonly Value[], filling: Value): Value[] => [
  ...values,
  ...Array.from({ length: PUBLISH.mostKeys - values.length }, () => filling),
]

/**
 * Reads what is known of the keys, decides, writes, in one transaction. The statements are those of thirty keys to store and thirty to
 * revise, whatever there is to do: most of them find and change nothing.
 */
export async function storePublish(
  deps: Deps,
  keys: readonly Uint8Array[],
  plan: Plan,
  at: UnixSeconds,
): Promise<Outcome<PublishPlan & { readonly inserted: number }, RevisionRefusal>> {
  const nothing: NewKey = { key: NO_KEY, release: at, source: HERE }
  const unchanged: KeyRevision = { keyData: NO_KEY.keyData, revision: NO_KEY, revisedAt: at, source: NOWHERE }
  return deps.store.transaction(async (tx) => {
    const found = (await tx.diagnosisKeysOf(filled(keys, NO_KEY.keyData))).filter((row) => row !== undefined)
    const known = new Map(found.map((row) => [toHex(row.key.keyData), row]))
    const planned = plan(known)
    const { inserts, revisions } = planned.ok ? planned.value : { inserts: [], revisions: [] }
    const added = inserts.map(({ key, release }) => ({ key, release, source: HERE }))
    const revised = revisions.map(({ keyData, revision }) => ({
      keyData,
      revision,
      // A key that still waits for its release is revised no earlier: no file lists a revision before the key.
      revisedAt: Math.max(Math.floor(at / HOUR) * HOUR, known.get(toHex(keyData))!.release) as UnixSeconds,
      source: HERE,
    }))
    const inserted = await tx.addDiagnosisKeys(filled(added, nothing))
    await tx.reviseDiagnosisKeys(filled(revised, unchanged))
    return planned.ok ? { ok: true, value: { ...planned.value, inserted } } : planned
  })
}
