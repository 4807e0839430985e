// The thread of a database in a file. It does what it is told, in order; whatever ends it rolls back what was not committed.
import { parentPort, workerData } from 'node:worker_threads'
import { StoreFailure } from './failures.ts'
import { openSession } from './sqlite-session.ts'
import type { SqliteAnswer, SqliteCall, ThreadData } from './sqlite-threads.ts'

const { file, reports } = workerData as ThreadData
let names: string[] = []
const session = openSession(file, reports ? { onStatement: (name) => names.push(name) } : {})

async function answerTo([number, verb, values]: SqliteCall): Promise<SqliteAnswer> {
  names = []
  const done = (session[verb] as (...values: readonly unknown[]) => Promise<unknown>)(...values)
  const ran = names
  try {
    return { number, ran, value: await done }
  } catch (error) {
    // An instance of a class loses its class on the way.
    return error instanceof StoreFailure ? { number, ran, failure: error.message } : { number, ran, error }
  }
}

parentPort?.on('message', async (call: SqliteCall) => {
  parentPort?.postMessage(await answerTo(call))
  if (call[1] === 'close') parentPort?.close()
})
