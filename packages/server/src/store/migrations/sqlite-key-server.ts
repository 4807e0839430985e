export const KEY_SERVER_TABLES = `
  -- Diagnosis keys: published here, imported, and invented to hide them. No column tells an invented key from a published one, no time
  -- is finer than an hour, and no order is that of arrival.
  create table diagnosis_key(key_data blob primary key, rolling_start integer not null, rolling_period integer not null,
    risk integer not null, report_type integer not null, onset integer, release integer not null, source text not null,
    revised integer, revised_risk integer, revised_type integer, revised_onset integer) strict, without rowid;
  create index diagnosis_key_release on diagnosis_key(release);
  create index diagnosis_key_revised on diagnosis_key(revised) where revised is not null;

  create table export_window(starts integer primary key, ends integer not null, invented integer not null,
    signers text not null, listed integer not null) strict;

  create table imported_file(peer text not null, path text not null, seen integer not null, primary key(peer, path))
    strict, without rowid;
`
