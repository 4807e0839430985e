import { POSTGRES_KEY_SERVER_TABLES } from './postgres-key-server.ts'
import { POSTGRES_VERIFICATION_TABLES } from './postgres-verification.ts'

/** Where the version and the bucket bits are remembered; the only table outside the migrations. */
export const POSTGRES_VERSION_TABLE = `create table if not exists schema_version(version int4 not null, bucket_bits int2 not null,
  one int2 primary key check (one = 1))`

/** Each entry brings the schema one version further; `schema_version` remembers how far it is. Never edit one that landed. */
export const POSTGRES_MIGRATIONS: readonly string[] = [
  `
  create table set_up(one int2 primary key check (one = 1), description text not null);
  create table last_time(at int8 not null, one int2 primary key check (one = 1));

  -- IDTable (ROBERT §3.2.1) in three: keys are written once, the status is hot and narrow, only the exposed have exposures.
  -- The bucket leads every key of a table that grows with the users, so that the same tables can be spread by it. The columns
  -- of 8 bytes come first: in another order each row is 8 bytes longer.
  create table user_key(id int8 not null, bucket int2 not null, authentication_key bytea not null, encryption_key bytea not null,
    primary key (bucket, id));
  create table user_status(id int8 not null, status_epoch int4 not null, warned_through int4 not null, bucket int2 not null,
    notified int2 not null, request_tag bytea not null, primary key (bucket, id))
    with (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.02);
  create table exposure(id int8 not null, bucket int2 not null, lee bytea not null, primary key (bucket, id))
    with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);

  -- Uploads. No column here is finer than a window or a day.
  create table spent_token(day int4 not null, bucket int2 not null, spent_key bytea not null, primary key (bucket, day, spent_key));
  create table item_queue("window" int8 not null, bucket int2 not null, row_id bytea not null, body bytea not null,
    primary key (bucket, "window", row_id)) with (autovacuum_vacuum_scale_factor = 0.02);
  create table spent_challenge(expires int8 not null, bucket int2 not null, spent_key bytea not null,
    primary key (bucket, spent_key));

  -- The authority's side.
  create table code(contagious_from int8 not null, contagious_to int8 not null, expires int8 not null, hash bytea primary key);
  create table code_chunk(day int4 not null, chunk int4 not null, hash bytea not null, digest bytea not null,
    primary key (hash, day, chunk));
  `,
  POSTGRES_VERIFICATION_TABLES,
  POSTGRES_KEY_SERVER_TABLES,
  `
  -- Restoring: as in migrations/sqlite.ts. No bucket: rows stay for minutes, and who leaves shall not tell by a statement more or less.
  create table generation(number int4 not null, one int2 primary key check (one = 1));
  create table departed(mark bytea primary key);
  `,
  `
  -- Written by requests that change nobody's status, always with the same: many rows, so that transactions do not wait for each other.
  create table nobody_status(id int8 primary key, status_epoch int4 not null, warned_through int4 not null,
    notified int2 not null, request_tag bytea not null) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02);
  insert into nobody_status(id, status_epoch, warned_through, notified, request_tag)
    select id, -1, -1, 0, '\\x0000000000000000' from generate_series(0, 1023) id;
  `,
]
