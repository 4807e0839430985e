export const POSTGRES_KEY_SERVER_TABLES = `
  -- Diagnosis keys: as in migrations/sqlite-key-server.ts.
  create table diagnosis_key(rolling_start int8 not null, release int8 not null, revised int8, rolling_period int4 not null,
    risk int4 not null, report_type int4 not null, onset int4, revised_risk int4, revised_type int4, revised_onset int4,
    key_data bytea primary key, source text not null);
  create index diagnosis_key_release on diagnosis_key(release);
  create index diagnosis_key_revised on diagnosis_key(revised) where revised is not null;

  create table export_window(starts int8 primary key, ends int8 not null, invented int4 not null, listed int4 not null,
    signers text not null);

  create table imported_file(peer text not null, path text not null, seen int8 not null, primary key(peer, path));
`
