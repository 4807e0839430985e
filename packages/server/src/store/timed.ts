import type { Store } from './store.ts'

/** A store that tells how many seconds each transaction took, waiting for its turn included. */
export const timedStore = (store: Store, monotonic: () => number, took: (seconds: number) => void): Store => ({
  ...store,
  transaction(run) {
    const from = monotonic()
    return store.transaction(run).finally(() => took(monotonic() - from))
  },
})
