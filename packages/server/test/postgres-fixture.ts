// One cluster for the tests of a file, and an empty schema in it for each test.
import { connect } from '../src/store/postgres-connection.ts'
import { postgresPrograms, startThrowaway } from '../src/store/throwaway.ts'

export interface Databases {
  /** Why there is none: only where CI is not set. */
  readonly without: string | false
  /** The URL of one that is empty. */
  readonly newDatabase: () => Promise<string>
  /** Runs statements in the database of a URL. */
  readonly run: (url: string, sql: string) => Promise<readonly Readonly<Record<string, unknown>>[]>
}

export async function throwawayDatabases(after: (run: () => Promise<void>) => void): Promise<Databases> {
  if (postgresPrograms() === undefined && !process.env['CI']) {
    const none = () => Promise.reject(new Error('no PostgreSQL'))
    return {
      without: 'no PostgreSQL 15 or later on this machine: apt-get install postgresql',
      newDatabase: none,
      run: none,
    }
  }
  const cluster = await startThrowaway()
  after(cluster.stop)
  const run = async (url: string, sql: string) => {
    const connection = await connect(url)
    try {
      return (await connection.run('test', sql)).rows
    } finally {
      await connection.close()
    }
  }
  let made = 0
  return {
    without: false,
    newDatabase: async () => {
      const schema = `test_${made++}`
      await run(cluster.url, `create schema ${schema}`)
      return `${cluster.url}&options=${encodeURIComponent(`-c search_path=${schema}`)}`
    },
    run,
  }
}
