export const VERIFICATION_TABLES = `
  -- Verification server (GAEN). Every blob is a keyed HMAC or a hash; nothing here names a phone or a person, and no row of a token
  -- tells the code that it came from.
  create table verification_code(handle blob primary key, code blob unique, long_code blob unique, test_type text not null,
    symptom_day integer, test_day integer, expires integer not null, long_expires integer not null,
    nonce blob, phone blob, claimed integer not null) strict, without rowid;
  create index verification_code_secret on verification_code(long_expires) where code is not null;
  create index verification_code_ended on verification_code(long_expires);
  create table verification_token(hash blob primary key, expires integer not null, used integer not null) strict, without rowid;
  create table verification_report(phone blob primary key, expires integer not null) strict, without rowid;
  create table verification_tally(window integer primary key, calls integer not null, chaff integer not null,
    wrong integer not null, issued integer not null) strict;
`
