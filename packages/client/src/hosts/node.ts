// Calls over HTTP with Node's own fetch, which keeps connections alive.
import {
  api,
  type Call,
  concat,
  type EndpointName,
  Malformed,
  type RequestOf,
  type ResponseOf,
} from '@vicinity/protocol'

const TIMEOUT_MS = 10_000
/** The longest answer is a first list of identifiers, 256 KiB before base64url. */
const LONGEST_ANSWER = 393_216

/** A call without an answer, or with one that says no. */
export class CallFailed extends Error {
  override readonly name = 'CallFailed'
  /** The server refused the request as such: it is no use repeating. */
  readonly refused: boolean
  constructor(message: string, refused: boolean, cause?: unknown) {
    super(message, { cause })
    this.refused = refused
  }
}

/** Statuses below 500 that ask to come back: a time-out, and too many at once. */
const COME_BACK: ReadonlySet<number> = new Set([408, 425, 429])

/**
 * Performs calls against a back-end, `baseUrl` like `https://example.org`. `authorization` is the header of a health authority: it
 * goes to the endpoints that ask for it and to no other.
 */
export function httpCall(baseUrl: string, authorization?: string): Call {
  return async (name, request) => {
    try {
      return await perform(baseUrl, name, request, authorization)
    } catch (error) {
      if (error instanceof CallFailed) throw error
      throw new CallFailed(`${name}: ${error instanceof Malformed ? error.message : 'no answer'}`, false, error)
    }
  }
}

async function perform<Name extends EndpointName>(
  baseUrl: string,
  name: Name,
  request: RequestOf<Name>,
  authorization: string | undefined,
): Promise<ResponseOf<Name>> {
  const { method, path, auth, request: asked, response: given } = api[name]
  const encode = asked.encode as (value: RequestOf<Name>) => unknown
  const decode = given.decode as (json: unknown, field: string) => ResponseOf<Name>
  const sent = method === 'POST' ? { body: JSON.stringify(encode(request)) } : {}
  const response = await fetch(new URL(path, baseUrl), {
    method,
    headers: {
      ...(method === 'POST' && { 'content-type': 'application/json' }),
      ...(auth === 'authority' && authorization !== undefined && { authorization }),
    },
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
    ...sent,
  })
  const body = await readBounded(response)
  if (!response.ok) {
    const { status } = response
    throw new CallFailed(`${name}: status ${status}`, status >= 400 && status < 500 && !COME_BACK.has(status))
  }
  return decode(JSON.parse(body), 'body')
}

/** The whole body even of a refusal, so that the connection can be used again; no longer than any answer can be. */
async function readBounded(response: Response): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let length = 0
  for await (const part of response.body ?? []) {
    length += part.length
    if (length > LONGEST_ANSWER) throw new CallFailed('the answer is too long', false)
    text += decoder.decode(part, { stream: true })
  }
  return text + decoder.decode()
}

/** An archive of diagnosis keys is longer than any other answer. */
const LONGEST_BYTES = 20 * 1024 * 1024
/** On a slow network it takes minutes; the phone itself gives up after eight. */
const DOWNLOAD_MS = 480_000

interface Sent {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly body: string | undefined
  readonly headers: Readonly<Record<string, string>>
}

/** Performs the requests of a phone of GAEN (`GaenHost.send`) against a back-end. Undefined when there is no answer. */
export function httpSend(
  baseUrl: string,
): (request: Sent) => Promise<{ readonly status: number; readonly body: Uint8Array } | undefined> {
  return async ({ method, path, body, headers }) => {
    try {
      const init = {
        method,
        headers: { ...headers },
        redirect: 'error',
        signal: AbortSignal.timeout(method === 'GET' ? DOWNLOAD_MS : TIMEOUT_MS),
      } as const
      const response = await fetch(new URL(path, baseUrl), body === undefined ? init : { ...init, body })
      return { status: response.status, body: await readBytes(response) }
    } catch {
      return undefined
    }
  }
}

async function readBytes(response: Response): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of response.body ?? []) {
    length += part.length
    if (length > LONGEST_BYTES) throw new CallFailed('the answer is too long', false)
    parts.push(part)
  }
  return concat(...parts)
}
