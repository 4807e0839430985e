// The embedded engine: one process, one file, every commit on disk before it is answered.
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Engine } from './back-end.ts'

export function sqliteEngine(directory: string): Engine {
  const path = join(directory, 'database')
  return {
    name: 'sqlite',
    url: `sqlite:${path}`,
    roles: ['all'],
    faults: () => [],
    async inspect() {
      const database = new DatabaseSync(path, { readOnly: true, timeout: 5000 })
      try {
        const [sound] = database.prepare('pragma integrity_check').all()
        const found = String(sound?.['integrity_check'])
        const users = Number(database.prepare('select count(*) as n from user_key').get()?.['n'])
        return { users, damage: found === 'ok' ? [] : [found] }
      } finally {
        database.close()
      }
    },
    heal: async () => {},
    stop: async () => {},
  }
}
