CREATE TABLE accounts (id text PRIMARY KEY, balance integer NOT NULL CHECK (balance >= 0), seq bigint NOT NULL);
CREATE TABLE api_keys (hash text PRIMARY KEY, account_id text NOT NULL REFERENCES accounts, revoked_at timestamptz);
CREATE TABLE entries (
  account_id text NOT NULL REFERENCES accounts,
  seq bigint NOT NULL,
  fix_id text NOT NULL,
  amount integer NOT NULL,
  balance_after integer NOT NULL,
  PRIMARY KEY (account_id, seq),
  UNIQUE (account_id, fix_id)
);
