// In the page: stands in for node:assert/strict, for modules that check themselves on the way. Verdicts of tests are Node's.

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null

function same(a: unknown, b: unknown): boolean {
  if (!isObject(a) || !isObject(b)) return Object.is(a, b)
  const names = Object.keys(a)
  return (
    Object.getPrototypeOf(a) === Object.getPrototypeOf(b) &&
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && same(a[name], b[name]))
  )
}

function fail(message = 'an assertion failed'): never {
  throw new Error(message)
}

function ok(value: unknown, message?: string): void {
  if (!value) fail(message)
}

function throws(run: () => unknown, kind: new (...given: never[]) => unknown): void {
  try {
    run()
  } catch (error) {
    if (error instanceof kind) return
    throw error
  }
  fail('nothing was thrown')
}

export default {
  ok,
  fail,
  throws,
  equal: (a: unknown, b: unknown, message?: string): void => ok(Object.is(a, b), message ?? `${a} is not ${b}`),
  deepEqual: (a: unknown, b: unknown, message?: string): void => ok(same(a, b), message),
}
