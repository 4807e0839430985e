// The OpenAPI 3.1 document of the back-end, made from the table of endpoints: what is there is here, and nothing else.
import { api, type Endpoint, type EndpointName } from '@vicinity/protocol'
import type { ChallengeRefusal } from '@vicinity/protocol/robert'

export const OPENAPI_PATH = '/v1/openapi.json'

type Json = Readonly<Record<string, unknown>>

/** The rules by which an endpoint refuses a request that it could read. Those that stay silent for privacy have none. */
const REFUSALS: { readonly [Name in EndpointName]?: readonly string[] } = {
  register: ['challengeForged', 'challengeExpired', 'challengeUnsolved', 'challengeSpent'] satisfies (
    | ChallengeRefusal
    | 'challengeSpent'
  )[],
  codeWindow: ['codeUnknown'],
  redeemCode: ['codeUnknown', 'dayOutsideWindow', 'chunkTaken'],
}

const TAGS = {
  robert: 'What phones call (ROBERT).',
  authority: "The health authority's side, which shares no table with the phones' side.",
  service: 'What is public about the service, and its health.',
}

const to = (kind: 'schemas' | 'responses', name: string): Json => ({ $ref: `#/components/${kind}/${name}` })
const content = (schema: Json): Json => ({ 'application/json': { schema } })
const titled = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1)

function tagOf({ method, path }: Endpoint<never, never>): keyof typeof TAGS {
  if (path.startsWith('/v1/authority/')) return 'authority'
  return method === 'GET' ? 'service' : 'robert'
}

function operationOf(name: EndpointName): Json {
  const endpoint = api[name] as unknown as Endpoint<never, never>
  const reasons = REFUSALS[name]
  const body = endpoint.method === 'POST'
  return {
    operationId: name,
    summary: endpoint.summary,
    ...(body && { description: `The body has at most ${endpoint.limit} bytes; unknown fields are refused.` }),
    tags: [tagOf(endpoint)],
    security: endpoint.auth === 'authority' ? [{ authority: [] }] : [],
    ...(body && { requestBody: { required: true, content: content(to('schemas', `${titled(name)}Request`)) } }),
    responses: {
      200: { description: 'Done.', content: content(to('schemas', `${titled(name)}Response`)) },
      400: to('responses', 'Malformed'),
      ...(endpoint.auth === 'authority' && { 401: to('responses', 'Unauthorized') }),
      ...(reasons !== undefined && {
        403: {
          description: `Refused by a rule that the sender may know. \`error\` is ${reasons.join(', ')}.`,
          content: content(to('schemas', 'Error')),
        },
      }),
      500: to('responses', 'Internal'),
      503: to('responses', 'Unavailable'),
    },
  }
}

function pathsOf(names: readonly EndpointName[]): Json {
  const own: Json = {
    operationId: 'openapi',
    summary: 'This document.',
    tags: ['service'],
    security: [],
    responses: {
      200: { description: 'An OpenAPI 3.1 document.', content: content({ type: 'object' }) },
      400: to('responses', 'Malformed'),
    },
  }
  const paths = names.map((name) => [api[name].path, { [api[name].method.toLowerCase()]: operationOf(name) }])
  return Object.fromEntries([...paths, [OPENAPI_PATH, { get: own }]])
}

function schemasOf(names: readonly EndpointName[]): Json {
  const schemas = names.flatMap((name) => [
    ...(api[name].method === 'POST' ? [[`${titled(name)}Request`, api[name].request.schema]] : []),
    [`${titled(name)}Response`, api[name].response.schema],
  ])
  const error = { type: 'string', description: 'What was wrong: a reason, or the field and what was expected.' }
  const field = { type: 'string', description: 'The field of the request that was malformed.' }
  return {
    Error: { type: 'object', properties: { error, field }, required: ['error'], additionalProperties: false },
    ...Object.fromEntries(schemas),
  }
}

const failure = (description: string, more: Json = {}): Json => ({
  description,
  ...more,
  content: content(to('schemas', 'Error')),
})

const RESPONSES: Json = {
  Malformed: failure('The request cannot be read; `field` names the place.'),
  Unauthorized: failure("The bearer token is not the authority's; `error` is authorization."),
  Internal: failure('The back-end broke a promise of its own; `error` is internal.'),
  Unavailable: failure('The back-end cannot answer now.', {
    headers: { 'Retry-After': { description: 'Seconds to wait.', schema: { type: 'integer', minimum: 0 } } },
  }),
}

/** The document. Byte strings are unpadded base64url (`contentEncoding`); their layouts are in the protocol. */
export function openApiDocument(): Json {
  const names = Object.keys(api) as EndpointName[]
  return {
    openapi: '3.1.0',
    info: {
      title: 'Vicinity',
      version: '1',
      description:
        'The back-end of an exposure-notification service (ROBERT). Byte strings are unpadded base64url; times are seconds, Unix unless a field says NTP. Bodies are JSON with exactly the fields described.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'The back-end that serves this document.' }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths: pathsOf(names),
    components: {
      securitySchemes: {
        authority: { type: 'http', scheme: 'bearer', description: 'The token of the health authority.' },
      },
      responses: RESPONSES,
      schemas: schemasOf(names),
    },
  }
}
