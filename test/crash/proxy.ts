// Stands between the back-end and PostgreSQL, and cuts connections where it hurts most. Forwards whole messages of the protocol.

import { mkdirSync } from 'node:fs'
import { createConnection, createServer, type Socket } from 'node:net'
import { join } from 'node:path'

export type Cut =
  /** The commit never arrives. */
  | 'before a COMMIT arrives'
  /** It takes place, and nobody is told: its outcome is unknown. */
  | 'before a COMMIT is answered'
  /** In the middle of whatever is being answered. */
  | 'after some bytes'

export interface FaultProxy {
  /** Directory of its socket, as a host of PostgreSQL. */
  readonly directory: string
  /** Where new connections lead. Connections that are open go on. */
  readonly lead: (directory: string) => void
  /** Resolves when the cut was made: at the n-th commit, or after n bytes. */
  readonly arm: (cut: Cut, n: number) => Promise<void>
  readonly disarm: () => void
  readonly close: () => void
}

const SOCKET = '.s.PGSQL.5432'
const HEAD = 5

export async function startProxy(directory: string, target: string): Promise<FaultProxy> {
  mkdirSync(directory, { recursive: true })
  let leads = target
  let armed: { readonly cut: Cut; left: number; readonly done: () => void } | undefined
  const open = new Set<Socket>()
  const reached = (cut: Cut, by: number): boolean => {
    if (armed?.cut !== cut) return false
    armed.left -= by
    if (armed.left > 0) return false
    armed.done()
    armed = undefined
    return true
  }
  const server = createServer((client) => {
    const backend = createConnection(join(leads, SOCKET))
    const cut = () => {
      client.destroy()
      backend.destroy()
    }
    for (const [socket, other] of [
      [client, backend],
      [backend, client],
    ] as const) {
      open.add(socket)
      socket.on('error', cut)
      socket.on('close', () => {
        open.delete(socket)
        other.destroy()
      })
    }
    forward(client, backend, STARTUP, (message) => isQuery(message, 'commit') && reached('before a COMMIT arrives', 1))
    forward(
      backend,
      client,
      MESSAGES,
      (message) =>
        reached('after some bytes', message.length) ||
        (isCompletion(message, 'COMMIT') && reached('before a COMMIT is answered', 1)),
    )
  })
  await new Promise<void>((resolve) => server.listen(join(directory, SOCKET), resolve))
  server.unref()
  return {
    directory,
    lead: (to) => {
      leads = to
    },
    arm(cut, n) {
      const { promise, resolve } = Promise.withResolvers<void>()
      armed = { cut, left: n, done: resolve }
      return promise
    },
    disarm: () => {
      armed?.done()
      armed = undefined
    },
    close() {
      server.close()
      for (const socket of open) socket.destroy()
    },
  }
}

/** The first message of a client has no type. */
const STARTUP = 0
const MESSAGES = 1

/** Passes messages on until `cuts` says that this one is not passed, and the connection ends. */
function forward(from: Socket, to: Socket, startsAs: 0 | 1, cuts: (message: Buffer) => boolean): void {
  let typed: 0 | 1 = startsAs
  let held: Buffer = Buffer.alloc(0)
  from.on('data', (bytes: Buffer) => {
    held = held.length === 0 ? bytes : Buffer.concat([held, bytes])
    let end = 0
    for (;;) {
      const rest = held.subarray(end)
      if (rest.length < HEAD) break
      const length = typed + rest.readUInt32BE(typed)
      if (rest.length < length) break
      if (cuts(rest.subarray(0, length))) {
        // What came before it, and a part of it that says nothing.
        if (end > 0) to.write(held.subarray(0, end))
        from.destroy()
        to.destroy()
        return
      }
      end += length
      typed = MESSAGES
    }
    if (end > 0) to.write(held.subarray(0, end))
    held = held.subarray(end)
  })
}

const textOf = (message: Buffer): string => message.subarray(HEAD, -1).toString()

/** A simple query, or the parsing of a prepared one. */
const isQuery = (message: Buffer, text: string): boolean =>
  'QP'.includes(String.fromCharCode(message[0]!)) && textOf(message).toLowerCase().includes(text)

const isCompletion = (message: Buffer, tag: string): boolean => message[0] === 0x43 && textOf(message) === tag
