import type { SecureContextOptions, Server as TlsServer } from 'node:tls'
import type { UnixSeconds } from '@vicinity/protocol'
import type { Deps } from './deps.ts'
import { makeHttp } from './http.ts'
import type { Log } from './log.ts'
import { NO_LOG } from './log.ts'
import type { ServeOptions } from './main.ts'
import { readTls, versionOf } from './tls.ts'

export interface Listening {
  readonly url: string
  /** When the certificate ends; undefined without TLS. */
  readonly certificateExpires: () => UnixSeconds | undefined
  /** Reads the certificate anew where its files have changed. One that is no good is logged, and the old one stays. */
  readonly reload: () => void
  readonly close: () => Promise<void>
}

/** Listens; with `nextPort` a taken port is answered by the next free one. */
export async function listen(
  deps: Deps,
  now: () => UnixSeconds,
  options: Pick<ServeOptions, 'host' | 'port' | 'nextPort' | 'pages' | 'role' | 'tls' | 'log'>,
): Promise<Listening> {
  const { host, port, nextPort = false, pages = {}, role = 'all' } = options
  let version = options.tls && versionOf(options.tls)
  let tls = options.tls && readTls(options.tls)
  for (let tried = port; ; tried++) {
    const app = makeHttp(deps, now, pages, { role, tls })
    try {
      const url = await app.listen({ host, port: tried })
      const reload = () => {
        if (options.tls === undefined || versionOf(options.tls) === version) return
        version = versionOf(options.tls)
        tls = replaced(app.server as unknown as TlsServer, options.tls, options.log ?? NO_LOG) ?? tls
      }
      return { url, certificateExpires: () => tls?.expires, reload, close: () => app.close() }
    } catch (error) {
      await app.close()
      const taken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
      if (!taken || !nextPort || tried >= port + 100) throw error
    }
  }
}

/** Serves another certificate from the next handshake on. */
function replaced(server: TlsServer, files: NonNullable<ServeOptions['tls']>, log: Log) {
  try {
    const tls = readTls(files)
    server.setSecureContext({ cert: tls.cert, key: tls.key, minVersion: 'TLSv1.2' } satisfies SecureContextOptions)
    log('certificate.loaded', { expires: tls.expires })
    return tls
  } catch {
    log('certificate.refused', {})
    return undefined
  }
}
