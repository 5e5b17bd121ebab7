import { DatabaseSync } from 'node:sqlite'

/**
 * What the modules share: carts, payments and shipments in one SQLite file. Every process of the shop opens the same file,
 * so a cart that the monolith made is there for the cart service, and the other way round.
 */
export function openStore(path: string): DatabaseSync {
  const store = new DatabaseSync(path)
  store.exec('PRAGMA busy_timeout = 5000')
  store.exec('PRAGMA journal_mode = WAL')
  store.exec('PRAGMA synchronous = NORMAL')
  store.exec(`
    CREATE TABLE IF NOT EXISTS cart (id TEXT PRIMARY KEY, created_ms INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS item (
      cart TEXT NOT NULL REFERENCES cart(id), sku TEXT NOT NULL, quantity INTEGER NOT NULL, cents INTEGER NOT NULL,
      PRIMARY KEY (cart, sku)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS payment (
      id TEXT PRIMARY KEY, cart TEXT NOT NULL UNIQUE REFERENCES cart(id), cents INTEGER NOT NULL, receipt TEXT NOT NULL
    );
    CREATE TABLE IF NOT EXISTS shipment (
      id TEXT PRIMARY KEY, payment TEXT NOT NULL UNIQUE REFERENCES payment(id), country TEXT NOT NULL, cents INTEGER NOT NULL
    );
  `)
  return store
}
