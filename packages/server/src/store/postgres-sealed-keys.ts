import { type Buckets, groupedBy } from './buckets.ts'
import type { Query } from './postgres-transaction.ts'
import type { SealedKeys, SealedKeysVerbs } from './sealed-keys.ts'

export const POSTGRES_SEALED_KEYS_SQL = {
  keysNotUnder: `select id, authentication_key, encryption_key from user_key where bucket = $1 and id > $3
    and (substring(authentication_key from 1 for 1) <> $2 or substring(encryption_key from 1 for 1) <> $2)
    order by id limit $4`,
  replaceKeys: `update user_key u set authentication_key = x.authentication, encryption_key = x.encryption
    from unnest($2::int8[], $3::bytea[], $4::bytea[], $5::bytea[], $6::bytea[])
      x(id, authentication, encryption, authentication_before, encryption_before)
    where u.bucket = $1 and u.id = x.id and u.authentication_key = x.authentication_before
      and u.encryption_key = x.encryption_before`,
} as const

export const postgresSealedKeysVerbs = (query: Query, buckets: Buckets): SealedKeysVerbs => ({
  async keysNotUnder(version, after, limit) {
    const found: SealedKeys[] = []
    for (const bucket of buckets.all.slice(buckets.ofId(after))) {
      if (found.length >= limit) break
      const { rows } = await query('keysNotUnder', [bucket, Uint8Array.of(version), after, limit - found.length])
      for (const row of rows)
        found.push({
          id: row['id'] as number,
          authenticationKey: row['authentication_key'] as Uint8Array,
          encryptionKey: row['encryption_key'] as Uint8Array,
        })
    }
    return found
  },
  async replaceKeys(rows) {
    const grouped = groupedBy(
      rows,
      ({ from }) => buckets.ofId(from.id),
      (one, other) => one.from.id - other.from.id,
    )
    for (const [bucket, some] of grouped) {
      const column = (value: (row: (typeof some)[number]) => unknown) => some.map(value)
      await query('replaceKeys', [
        bucket,
        column(({ from }) => from.id),
        column(({ to }) => to.authenticationKey),
        column(({ to }) => to.encryptionKey),
        column(({ from }) => from.authenticationKey),
        column(({ from }) => from.encryptionKey),
      ])
    }
  },
})
