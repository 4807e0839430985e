import { KEY_SERVER_TABLES } from './sqlite-key-server.ts'
import { VERIFICATION_TABLES } from './sqlite-verification.ts'

/** Each entry brings the schema one version further; `pragma user_version` remembers how far it is. Never edit one that landed. */
export const SQLITE_MIGRATIONS: readonly string[] = [
  `
  create table set_up(one integer primary key check (one = 1), description text not null) strict;

  -- IDTable (ROBERT §3.2.1) in three: keys are written once, the status is hot and narrow, only the exposed have exposures.
  create table user_key(id integer primary key, authentication_key blob not null, encryption_key blob not null) strict;
  create table user_status(id integer primary key, notified integer not null, status_epoch integer not null,
    warned_through integer not null, request_tag blob not null) strict;
  create table exposure(id integer primary key, lee blob not null) strict;

  -- Uploads. No column here is finer than a window or a day, and no order is that of arrival.
  create table spent_token(day integer not null, spent_key blob not null, primary key(day, spent_key)) strict, without rowid;
  create table item_queue(window integer not null, row_id blob not null, body blob not null,
    primary key(window, row_id)) strict, without rowid;

  create table spent_challenge(spent_key blob primary key, expires integer not null) strict, without rowid;

  -- The authority's side.
  create table code(hash blob primary key, contagious_from integer not null, contagious_to integer not null,
    expires integer not null) strict, without rowid;
  create table code_chunk(hash blob not null, day integer not null, chunk integer not null, digest blob not null,
    primary key(hash, day, chunk)) strict, without rowid;
  `,
  `
  create table last_time(one integer primary key check (one = 1), at integer not null) strict;
  `,
  VERIFICATION_TABLES,
  KEY_SERVER_TABLES,
  `
  -- Restoring. Marks of who left stay here only until they lie outside the database, where no restore forgets them.
  create table generation(one integer primary key check (one = 1), number integer not null) strict;
  create table departed(mark blob primary key) strict, without rowid;
  `,
  `
  -- Written by requests that change nobody's status, always with the same.
  create table nobody_status(id integer primary key, notified integer not null, status_epoch integer not null,
    warned_through integer not null, request_tag blob not null) strict;
  insert into nobody_status(id, notified, status_epoch, warned_through, request_tag)
    with recursive row(id) as (select 0 union all select id + 1 from row where id < 1023)
    select id, 0, -1, -1, zeroblob(8) from row;
  `,
]
