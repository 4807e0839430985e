export const POSTGRES_VERIFICATION_TABLES = `
  -- Verification server (GAEN): as in migrations/sqlite-verification.ts.
  create table verification_code(expires int8 not null, long_expires int8 not null, symptom_day int4, test_day int4,
    claimed int2 not null, handle bytea primary key, code bytea unique, long_code bytea unique, nonce bytea, phone bytea,
    test_type text not null);
  create index verification_code_secret on verification_code(long_expires) where code is not null;
  create index verification_code_ended on verification_code(long_expires);
  create table verification_token(expires int8 not null, used int2 not null, hash bytea primary key);
  create table verification_report(expires int8 not null, phone bytea primary key);
  create table verification_tally("window" int8 primary key, calls int8 not null, chaff int8 not null, wrong int8 not null,
    issued int8 not null);
`
