import type { UnixSeconds } from '@vicinity/protocol'
import type { Deps } from './deps.ts'
import { makeHttp } from './http.ts'
import type { ServeOptions } from './main.ts'

/** Listens; with `nextPort` a taken port is answered by the next free one. */
export async function listen(
  deps: Deps,
  now: () => UnixSeconds,
  {
    host,
    port,
    nextPort = false,
    pages = {},
    role = 'all',
  }: Pick<ServeOptions, 'host' | 'port' | 'nextPort' | 'pages' | 'role'>,
): Promise<{ readonly url: string; readonly close: () => Promise<void> }> {
  for (let tried = port; ; tried++) {
    const app = makeHttp(deps, now, pages, role)
    try {
      const url = await app.listen({ host, port: tried })
      return { url, close: () => app.close() }
    } catch (error) {
      await app.close()
      const taken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
      if (!taken || !nextPort || tried >= port + 100) throw error
    }
  }
}
