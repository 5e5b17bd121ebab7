/** Each step brings the object's database from version i to i + 1. Steps are never changed, only added. */
const STEPS: readonly string[] = [
  `CREATE TABLE state (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
   CREATE TABLE tables (version INTEGER PRIMARY KEY, stable INTEGER NOT NULL, body TEXT NOT NULL);
   CREATE TABLE minutes (minute_start_ms INTEGER PRIMARY KEY, body TEXT NOT NULL);
   CREATE TABLE outbox (
     seq INTEGER PRIMARY KEY AUTOINCREMENT,
     kind TEXT NOT NULL,
     bytes INTEGER NOT NULL,
     body TEXT NOT NULL
   );
   CREATE INDEX outbox_kind ON outbox (kind, seq);`,
  `CREATE TABLE forecasts (
     ref TEXT NOT NULL,
     made_at_ms INTEGER NOT NULL,
     body TEXT NOT NULL,
     PRIMARY KEY (ref, made_at_ms)
   ) WITHOUT ROWID;
   CREATE TABLE scores (
     ref TEXT NOT NULL,
     against TEXT NOT NULL,
     horizon TEXT NOT NULL,
     hour_ms INTEGER NOT NULL,
     count INTEGER NOT NULL,
     actual REAL NOT NULL,
     error REAL NOT NULL,
     inside INTEGER NOT NULL,
     against_error REAL NOT NULL,
     PRIMARY KEY (ref, against, horizon, hour_ms)
   ) WITHOUT ROWID;
   CREATE INDEX scores_hour ON scores (hour_ms);`,
  `CREATE TABLE windows (start_ms INTEGER PRIMARY KEY, body TEXT NOT NULL);
   CREATE TABLE streams (series TEXT PRIMARY KEY, state TEXT NOT NULL) WITHOUT ROWID;`,
]

/** Makes or migrates the PoP object's database. */
export function migrate(storage: DurableObjectStorage): void {
  const { sql } = storage
  sql.exec('CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)')
  const row = sql.exec<{ version: number }>('SELECT version FROM schema_version').toArray()[0]
  const from = row?.version ?? 0
  if (from > STEPS.length) {
    throw new Error(`this database has schema ${from}; this ATLAS knows schemas up to ${STEPS.length}`)
  }
  if (row !== undefined && from === STEPS.length) return
  storage.transactionSync(() => {
    for (const step of STEPS.slice(from)) sql.exec(step)
    sql.exec('DELETE FROM schema_version')
    sql.exec('INSERT INTO schema_version VALUES (?)', STEPS.length)
  })
}
