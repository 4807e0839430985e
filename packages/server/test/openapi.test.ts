import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Validator } from '@seriousme/openapi-schema-validator'
import { api, type EndpointName, toBase64url } from '@vicinity/protocol'
import { makeHttp } from '../src/http.ts'
import { OPENAPI_PATH, openApiDocument } from '../src/openapi.ts'
import { AUTHORITY, backEnd } from './fixture.ts'

type Json = Record<string, unknown>
interface Operation {
  readonly operationId: string
  readonly summary: string
  readonly description?: string
  readonly tags: readonly string[]
  readonly security: readonly Json[]
  readonly requestBody?: { readonly required: boolean; readonly content: Json }
  readonly responses: Readonly<Record<string, Json>>
}
interface Document {
  readonly openapi: string
  readonly tags: readonly { readonly name: string }[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Record<string, Json>; readonly responses: Record<string, Json> }
}

const document = JSON.parse(JSON.stringify(openApiDocument())) as Document
const names = Object.keys(api) as EndpointName[]
const operationOf = (name: EndpointName): Operation => document.paths[api[name].path]![api[name].method.toLowerCase()]!
const operations = Object.values(document.paths).flatMap((path) => Object.values(path))

/** Every object inside a value, with its place. */
function* objectsIn(value: unknown, place: string): Generator<readonly [place: string, object: Json]> {
  if (typeof value !== 'object' || value === null) return
  if (!Array.isArray(value)) yield [place, value as Json]
  for (const [name, inside] of Object.entries(value)) yield* objectsIn(inside, `${place}/${name}`)
}

function resolve(reference: string): unknown {
  return reference
    .split('/')
    .slice(1)
    .reduce<unknown>((value, name) => (value as Json | undefined)?.[name], document)
}
const resolved = (value: Json): Json => (typeof value['$ref'] === 'string' ? (resolve(value['$ref']) as Json) : value)

test('the document is valid OpenAPI 3.1 by its own schema', async () => {
  const validator = new Validator()
  const { valid, errors } = await validator.validate(structuredClone(document) as never)
  assert.equal(valid, true, JSON.stringify(errors))
  assert.equal(validator.version, '3.1')
})

test('planted: a document that is not OpenAPI 3.1 is found', async () => {
  for (const spoil of [
    (copy: Json) => delete copy['info'],
    (copy: Json) => Object.assign(copy, { paths: { 'v1/clock': {} } }),
    (copy: Json) => Object.assign(copy, { components: { responses: { Malformed: {} } } }),
  ]) {
    const copy = structuredClone(document) as unknown as Json
    spoil(copy)
    assert.equal((await new Validator().validate(copy as never)).valid, false)
  }
})

test('it holds every endpoint of the table with its method, and itself, and nothing else', () => {
  const places = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  )
  const expected = [...names.map((name) => `${api[name].method} ${api[name].path}`), `GET ${OPENAPI_PATH}`]
  assert.deepEqual(places.toSorted(), expected.toSorted())
})

test('operations have names of their own, a summary, and tags that are described', () => {
  const ids = operations.map(({ operationId }) => operationId)
  assert.equal(new Set(ids).size, ids.length)
  assert.deepEqual(ids.toSorted(), [...names, 'openapi'].toSorted())
  const tags = document.tags.map(({ name }) => name)
  for (const operation of operations) {
    assert.ok(operation.summary.length > 5)
    assert.ok(operation.tags.length === 1 && tags.includes(operation.tags[0]!), operation.operationId)
  }
})

test('every reference resolves, and every component is used', () => {
  const used = new Set<string>()
  for (const [place, { $ref }] of objectsIn(document, '#')) {
    if ($ref === undefined) continue
    assert.equal(typeof $ref, 'string', place)
    assert.notEqual(resolve($ref as string), undefined, `${place}: ${$ref}`)
    used.add($ref as string)
  }
  for (const kind of ['schemas', 'responses'] as const) {
    for (const name of Object.keys(document.components[kind])) assert.ok(used.has(`#/components/${kind}/${name}`), name)
  }
})

test('requests and responses have the schemas of the codecs, and every schema inside has a type', () => {
  for (const name of names) {
    const { requestBody, responses } = operationOf(name)
    const schemaOf = (content: unknown) =>
      resolved((content as { 'application/json': { schema: Json } })['application/json'].schema)
    assert.deepEqual(schemaOf(responses[200]!['content']), JSON.parse(JSON.stringify(api[name].response.schema)), name)
    if (api[name].method === 'GET') assert.equal(requestBody, undefined, name)
    else assert.deepEqual(schemaOf(requestBody!.content), JSON.parse(JSON.stringify(api[name].request.schema)), name)
  }
  const TYPES: readonly unknown[] = ['object', 'array', 'string', 'integer']
  const check = (schema: Json, place: string): void => {
    assert.ok(TYPES.includes(schema['type']), `${place}: ${schema['type']}`)
    for (const [name, inside] of Object.entries((schema['properties'] ?? {}) as Json))
      check(inside as Json, `${place}.${name}`)
    if (schema['type'] === 'array') check(schema['items'] as Json, `${place}[]`)
  }
  for (const [name, schema] of Object.entries(document.components.schemas)) check(schema, name)
})

test('every endpoint describes its success, what is malformed and what is not available; the authority needs its token', () => {
  for (const name of names) {
    const { responses, security, description = '' } = operationOf(name)
    const { auth, method, limit } = api[name]
    const statuses = Object.keys(responses)
    for (const status of ['200', '400', '500', '503']) assert.ok(statuses.includes(status), `${name} ${status}`)
    for (const response of Object.values(responses)) assert.ok(String(resolved(response)['description']).length > 4)
    assert.equal(statuses.includes('401'), auth === 'authority', name)
    assert.deepEqual(security, auth === 'authority' ? [{ authority: [] }] : [], name)
    if (method === 'POST') assert.ok(description.includes(`${limit} bytes`), name)
  }
})

test('every reason that a flow gives for a 403 is described, and no other', () => {
  const sources = fileURLToPath(new URL('../src/flows/', import.meta.url))
  const given = globSync('**/*.ts', { cwd: sources }).flatMap((path) =>
    [...readFileSync(`${sources}${path}`, 'utf8').matchAll(/new Refused\('(\w+)'\)/g)].map((match) => match[1]!),
  )
  const described = names.flatMap((name) => {
    const text = String(operationOf(name).responses[403]?.['description'] ?? '')
    return (/`error` is (.*)\.$/.exec(text)?.[1] ?? '').split(', ').filter(Boolean)
  })
  // Those of the proof of work come from the protocol, where their type names them.
  const fromProtocol = ['challengeForged', 'challengeExpired', 'challengeUnsolved']
  assert.deepEqual(new Set(described), new Set([...given, ...fromProtocol]))
  assert.equal(operationOf('request').responses[403], undefined, 'one reply, whatever happens')
  assert.equal(operationOf('upload').responses[403], undefined, 'one answer, whatever happens')
})

test('the document is served as it is, and refusals have the shape that it says', async (t) => {
  const server = await backEnd(t)
  const app = makeHttp(server.deps, () => server.clock.now)
  t.after(() => app.close())
  const served = await app.inject({ method: 'GET', url: OPENAPI_PATH })
  assert.equal(served.statusCode, 200)
  assert.match(String(served.headers['content-type']), /^application\/json/)
  assert.deepEqual(served.json(), document)
  const post = async (name: EndpointName, payload: object, headers: Record<string, string> = {}) => {
    const { statusCode, body } = await app.inject({ method: 'POST', url: api[name].path, payload, headers })
    assert.ok(String(statusCode) in operationOf(name).responses, `${name} ${statusCode}`)
    return [statusCode, Object.keys(JSON.parse(body))]
  }
  assert.deepEqual(await post('codeWindow', {}), [400, ['error', 'field']])
  assert.deepEqual(await post('codeWindow', { code: 'ABCD-EFGH-1234-5678' }), [403, ['error']])
  assert.deepEqual(await post('issueCode', {}), [401, ['error']])
  assert.deepEqual(await post('issueCode', {}, { authorization: AUTHORITY }), [400, ['error', 'field']])
  assert.deepEqual(await post('request', { request: toBase64url(new Uint8Array(3)) }), [200, ['reply']])
  await server.deps.store.close()
  assert.deepEqual(await post('codeWindow', { code: 'ABCD-EFGH-1234-5678' }), [503, ['error']])
})
