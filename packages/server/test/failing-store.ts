// A store that fails once, at a call that is chosen beforehand.
import { StoreFailure } from '../src/store/failures.ts'
import type { Store, Transaction } from '../src/store/store.ts'

/**
 * At a verb, which is then not done; at a commit, which is then not done; or after a commit, which was done and is reported as failed,
 * as when the connection is lost before the answer.
 */
export type Failure = 'verb' | 'commit' | 'answer'

export interface FailingStore extends Store {
  /** Whether it failed. */
  readonly failed: () => boolean
}

/** Fails at its n-th call of a kind, counted from 1, and never again. */
export function failingStore(store: Store, n: number, failure: Failure): FailingStore {
  let calls = 0
  const strike = (kind: Failure): void => {
    if (kind === failure && ++calls === n) throw new StoreFailure(`${kind} ${n} failed`)
  }
  const striking = (tx: Transaction): Transaction =>
    new Proxy(tx, {
      get:
        (verbs, name: keyof Transaction) =>
        async (...values: readonly unknown[]) => {
          strike('verb')
          return (verbs[name] as (...values: readonly unknown[]) => Promise<unknown>)(...values)
        },
    })
  return {
    ...store,
    failed: () => calls >= n,
    async transaction(run) {
      const result = await store.transaction(async (tx) => {
        const value = await run(striking(tx))
        strike('commit')
        return value
      })
      strike('answer')
      return result
    },
  }
}
