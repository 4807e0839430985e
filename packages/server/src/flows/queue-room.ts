import { type Deps, Unavailable } from '../deps.ts'

/** Looks whether the queue takes more: what every upload goes by until the next look, so that none does work to be refused. */
export async function lookAtQueue(deps: Deps): Promise<void> {
  const { items } = await deps.store.transaction((tx) => tx.queueState())
  const takesMore = items < deps.settings.mostQueuedItems
  deps.conditions.set('queue', () => takesMore)
}

/** Throws where the queue was full at the last look: before any work, and for every item alike. */
export function checkRoom(deps: Deps): void {
  if (deps.conditions.get('queue')?.() !== false) return
  deps.count('upload.queueFull')
  throw new Unavailable('the queue is full')
}
