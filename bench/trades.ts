/** Makes a database of trades as large as it is told, as a process of its own: argv is the path and the size in bytes. */
import { DatabaseSync } from 'node:sqlite'

const [path = '', sizeText = ''] = process.argv.slice(2)
const sizeBytes = Number(sizeText)
const symbols = ['BTC/USDT', 'ETH/USDT', 'SOL/USDT', 'XRP/USDT', 'ADA/USDT', 'DOGE/USDT', 'LTC/USDT', 'DOT/USDT']
/** Chosen: 50,000 rows a transaction, so that the log stays small and the size is looked at often enough. */
const batchRows = 50_000

let state = 1
/** 32 random bits of a small generator: the same rows each time. */
function bits(): number {
  state = (state + 0x6d2b79f5) | 0
  const mixed = Math.imul(state ^ (state >>> 15), state | 1)
  return (mixed ^ (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61))) >>> 0
}
const hex = (): string => bits().toString(16).padStart(8, '0')
const decimal = (below: number): string => ((bits() / 2 ** 32) * below).toFixed(8)

const database = new DatabaseSync(path)
// Without any journal until the end: a build that is cut short is thrown away.
database.exec('PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE; PRAGMA cache_size=-1500000')
database.exec(`CREATE TABLE trades (id INTEGER PRIMARY KEY, order_id TEXT NOT NULL, symbol TEXT NOT NULL, side TEXT NOT NULL,
  price TEXT NOT NULL, quantity TEXT NOT NULL, fee TEXT NOT NULL, at INTEGER NOT NULL);
  CREATE UNIQUE INDEX trades_by_order ON trades (order_id);
  CREATE INDEX trades_by_symbol ON trades (symbol, at)`)
const insert = database.prepare('INSERT INTO trades (order_id, symbol, side, price, quantity, fee, at) VALUES (?, ?, ?, ?, ?, ?, ?)')
const pages = database.prepare('PRAGMA page_count')
let at = 1_767_225_600_000
while (Number(pages.get()?.['page_count']) * 4096 < sizeBytes) {
  database.exec('BEGIN')
  for (let row = 0; row < batchRows; row++) {
    at += bits() % 400
    const order = `${hex()}-${hex()}-${hex()}-${hex()}`
    insert.run(
      order,
      symbols[bits() % symbols.length] ?? '',
      bits() % 2 === 0 ? 'buy' : 'sell',
      decimal(70_000),
      decimal(10),
      decimal(5),
      at,
    )
  }
  database.exec('COMMIT')
}
database.exec('PRAGMA locking_mode=NORMAL; PRAGMA synchronous=FULL; PRAGMA journal_mode=WAL')
database.close()
