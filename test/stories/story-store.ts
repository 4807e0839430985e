// Where the back-ends of stories keep what they keep. `VICINITY_STORY_STORE` chooses for a whole run: `sqlite:DIRECTORY` for a file each,
// `postgres://…` for a schema each; without it each is in memory.
import { join } from 'node:path'
import { connect } from '../../packages/server/src/store/postgres-connection.ts'

let stories = 0

/** The URL of an empty store for one story. */
export async function storyStore(): Promise<string> {
  const chosen = process.env['VICINITY_STORY_STORE']
  if (chosen === undefined) return 'sqlite::memory:'
  const name = `story_${process.pid}_${stories++}`
  if (chosen.startsWith('sqlite:')) return `sqlite:${join(chosen.slice('sqlite:'.length), name)}`
  const connection = await connect(chosen)
  try {
    await connection.run('story', `create schema ${name}`)
  } finally {
    await connection.close()
  }
  return `${chosen}&options=${encodeURIComponent(`-c search_path=${name}`)}`
}
