// Endpoints in the formats of the deployed world: their JSON, their paths, their error codes, where `api.ts` has ours.
import type { UnixSeconds } from '@vicinity/protocol'
import type { Deps } from './deps.ts'

/** One call from outside. */
export interface DeployedCall {
  /** The parsed body; undefined where there is none or where it is no JSON. */
  readonly json: unknown
  /** The body as it came. */
  readonly body: string
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | undefined>>
  /** What follows `path`, where that ends with `*`. */
  readonly rest: string
}

export interface DeployedAnswer {
  readonly status: number
  /** An object is sent as JSON, bytes as they are. */
  readonly body: object | Uint8Array
  readonly headers?: Readonly<Record<string, string>>
}

/** Answers every call, a refused one too: the error codes belong to the format. Throws only where the world failed. */
export interface DeployedEndpoint {
  readonly method: 'GET' | 'POST'
  /** May end with `*`. */
  readonly path: string
  /** The largest body in bytes. */
  readonly limit: number
  readonly summary: string
  /** Whether its answers leave on the grid: where chaff is, and what is refused, must not be told by their time. */
  readonly onGrid?: true
  /** What an answer holds beside `error` where a request could not be read (400) or the world failed (500, 503). */
  readonly errorFields?: (status: number) => object
  readonly run: (deps: Deps, call: DeployedCall, at: UnixSeconds) => Promise<DeployedAnswer>
}
