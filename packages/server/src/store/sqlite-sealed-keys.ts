import type { StatementSync } from 'node:sqlite'
import type { SealedKeysVerbs } from './sealed-keys.ts'

export const SEALED_KEYS_SQL = {
  keysNotUnder: `select id, authentication_key, encryption_key from user_key
    where id > ?2 and (substr(authentication_key, 1, 1) <> ?1 or substr(encryption_key, 1, 1) <> ?1) order by id limit ?3`,
  replaceKeys: `update user_key set authentication_key = ?1, encryption_key = ?2
    where id = ?3 and authentication_key = ?4 and encryption_key = ?5`,
} as const

export const sealedKeysVerbs = (statement: (name: keyof typeof SEALED_KEYS_SQL) => StatementSync): SealedKeysVerbs => ({
  async keysNotUnder(version, after, limit) {
    const rows = statement('keysNotUnder').all(Uint8Array.of(version), after, limit)
    return rows.map((row) => ({
      id: row['id'] as number,
      authenticationKey: row['authentication_key'] as Uint8Array,
      encryptionKey: row['encryption_key'] as Uint8Array,
    }))
  },
  async replaceKeys(rows) {
    for (const { from, to } of rows)
      statement('replaceKeys').run(
        to.authenticationKey,
        to.encryptionKey,
        from.id,
        from.authenticationKey,
        from.encryptionKey,
      )
  },
})
