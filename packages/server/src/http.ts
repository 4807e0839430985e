import { api, type EndpointName, Malformed, type UnixSeconds } from '@vicinity/protocol'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { collecting } from './collector.ts'
import type { DeployedCall, DeployedEndpoint } from './deployed.ts'
import { DEPLOYED_ENDPOINTS, jsonOf } from './deployed-dispatch.ts'
import { type Deps, Unavailable } from './deps.ts'
import { dispatch, statusOf } from './dispatch.ts'
import type { Role } from './jobs.ts'
import { OPENAPI_PATH, openApiDocument } from './openapi.ts'
import { NO_GRID, type ReleaseGrid, releaseGrid } from './release-grid.ts'
import type { Tls } from './tls.ts'

/** How this process is reached, and what it does. */
export interface Edge {
  readonly role?: Role
  /** Ends TLS here; without it a proxy does. */
  readonly tls?: Pick<Tls, 'cert' | 'key'> | undefined
}

const RETRY_AFTER_SECONDS = '30'
const MOST_CONNECTIONS = 10_000
/** The largest body that is read for a path that does not exist. */
const UNKNOWN_LIMIT = 1024

const DOCUMENT = JSON.stringify(openApiDocument())
const NO_ENDPOINT = { error: 'no such endpoint' }

/** Made anew for each request. */
export interface Page {
  readonly type: string
  readonly body: string
  /** Directives of a Content-Security-Policy: what the page may run and load. Without them nothing. */
  readonly policy?: string
}

/** What is served beside the API, by path. */
export type Pages = Readonly<Record<string, () => Page>>

const CLOSED = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const HEALTH: readonly EndpointName[] = ['live', 'ready']

/**
 * The HTTP edge: binds every row of the endpoint table to the one generic handler; of a worker only those of its health. `now` is the
 * server's clock.
 */
export function makeHttp(
  deps: Deps,
  now: () => UnixSeconds,
  pages: Pages = {},
  { role = 'all', tls }: Edge = {},
): FastifyInstance {
  // Node looks for late requests only every 30 s unless told: the two limits would not hold.
  const limits = { maxHeaderSize: 16_384, headersTimeout: 5_000, connectionsCheckingInterval: 1_000 }
  const app = Fastify({
    logger: false,
    requestTimeout: 10_000,
    connectionTimeout: 15_000,
    keepAliveTimeout: 65_000,
    exposeHeadRoutes: false,
    bodyLimit: UNKNOWN_LIMIT,
    // Fastify has a type of its own for each of the two.
    ...((tls === undefined
      ? { http: limits }
      : { https: { ...limits, ...tls, minVersion: 'TLSv1.2', handshakeTimeout: 5_000 } }) as { http: typeof limits }),
    frameworkErrors: (_error, _request, reply: FastifyReply) => void reply.code(404).send(NO_ENDPOINT),
  })
  app.server.maxConnections = MOST_CONNECTIONS
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => done(null, body))
  app.addHook('onRequest', async (request) => {
    if (request.headers['content-encoding'] !== undefined) throw new Malformed('body', 'not compressed')
    // Who wrote without the standby would wait for it, and may lose what is answered.
    const lost = deps.conditions.get('standby')?.() === false
    if (lost && request.method === 'POST') throw new Unavailable('standby')
  })
  measureAnswers(app, deps)
  app.setNotFoundHandler((_request, reply) => reply.code(404).send(NO_ENDPOINT))
  app.setErrorHandler((error, request, reply) => sendError(deps, error, request, reply))
  const collected = deps.requests === undefined ? collecting(deps, now) : deps
  const grid = gridOf(deps)
  for (const name of role === 'worker' ? HEALTH : (Object.keys(api) as EndpointName[])) {
    const { method, path, limit } = api[name]
    app.route({
      method,
      url: path,
      bodyLimit: Math.max(limit, 1),
      handler: async (request, reply) => {
        const json = method === 'GET' ? {} : jsonOf(String(request.body))
        const work = () => dispatch(collected, name, json, request.headers.authorization, now())
        const answer = await (name === 'request' ? grid(work) : work())
        void reply.header('cache-control', 'no-store')
        return answer
      },
    })
  }
  if (role === 'worker') return app
  for (const endpoint of DEPLOYED_ENDPOINTS) bindDeployed(app, deps, now, endpoint, grid)
  servePages(app, { [OPENAPI_PATH]: () => ({ type: 'application/json', body: DOCUMENT }), ...pages })
  return app
}

/** Durations by the path in the table, never by the one that was asked for. */
function measureAnswers(app: FastifyInstance, deps: Deps): void {
  app.addHook('onResponse', async (request, reply) => {
    const { statusCode: status, elapsedTime } = reply
    deps.meter.observe('request', elapsedTime / 1000, request.routeOptions.url ?? 'none')
    const refused = status === 503 ? 'unavailable' : status >= 500 ? 'failed' : 'refused'
    deps.count(`response.${status < 400 ? 'ok' : refused}`)
  })
}

function sendError(
  deps: Deps,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  fields: DeployedEndpoint['errorFields'] = () => ({}),
): FastifyReply {
  const { status, body } = statusOf(fromFastify(error))
  if (status === 500) deps.count('internalError')
  if (status === 503) void reply.header('retry-after', RETRY_AFTER_SECONDS)
  // The rest of a body that was refused unread must not be taken for the next request.
  if (request.body === undefined && status === 400) void reply.header('connection', 'close')
  return reply.code(status).send({ ...body, ...fields(status) })
}

const gridOf = ({ settings: { replyGrid } }: Deps): ReleaseGrid =>
  replyGrid === 0
    ? NO_GRID
    : releaseGrid(replyGrid, {
        now: () => performance.now(),
        after: (milliseconds, then) => void setTimeout(then, milliseconds),
      })

function bindDeployed(
  app: FastifyInstance,
  deps: Deps,
  now: () => UnixSeconds,
  endpoint: DeployedEndpoint,
  grid: ReleaseGrid,
): void {
  app.route({
    method: endpoint.method,
    url: endpoint.path,
    bodyLimit: Math.max(endpoint.limit, 1),
    errorHandler: (error, request, reply) => sendError(deps, error, request, reply, endpoint.errorFields),
    handler: async (request, reply) => {
      const body = endpoint.method === 'GET' ? '' : String(request.body)
      const rest = (request.params as { readonly '*'?: string })['*'] ?? ''
      const headers = request.headers as DeployedCall['headers']
      const call = { json: endpoint.method === 'GET' ? undefined : jsonOf(body), body, headers, rest }
      const work = () => endpoint.run(deps, call, now())
      const answer = await (endpoint.onGrid === true ? grid(work) : work())
      void reply.code(answer.status).headers({ 'cache-control': 'no-store', ...answer.headers })
      return reply.send(answer.body instanceof Uint8Array ? Buffer.from(answer.body) : answer.body)
    },
  })
}

function servePages(app: FastifyInstance, pages: Pages): void {
  for (const [path, page] of Object.entries(pages)) {
    app.get(path, (_request, reply) => {
      const { type, body, policy } = page()
      void reply.headers({
        'content-type': type,
        'content-security-policy': policy === undefined ? CLOSED : `${CLOSED}; ${policy}`,
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cache-control': 'no-store',
      })
      return reply.send(body)
    })
  }
}

/** What the HTTP parser refuses about a body is the sender's mistake, named like every other. */
function fromFastify(error: unknown): unknown {
  const { code = '', statusCode } = error as { code?: string; statusCode?: number }
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return new Malformed('body', 'shorter')
  if (code.startsWith('FST_ERR_CTP')) return new Malformed('body', 'application/json with its exact length')
  // So it marks a body that broke off.
  if (code === 'ECONNRESET' && statusCode === 400) return new Malformed('body', 'complete')
  return error
}
