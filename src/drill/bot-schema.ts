/**
 * The database of the drill bot: the tables that the mission names, and what must hold in them after every transaction. Pure.
 * Amounts are decimals as TEXT with exactly eight digits after the point, so that without the point they are whole numbers of the
 * smallest unit, which SQLite adds up exactly.
 */
import type { UserCheck } from '../config.ts'

export const botSchema: readonly string[] = [
  `CREATE TABLE accounts (
    id TEXT PRIMARY KEY,
    currency TEXT NOT NULL,
    opening_balance TEXT NOT NULL,
    balance TEXT NOT NULL,
    updated_at TEXT NOT NULL
  ) STRICT`,
  `CREATE TABLE positions (
    id INTEGER PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    symbol TEXT NOT NULL,
    quantity TEXT NOT NULL,
    average_price TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    UNIQUE (account_id, symbol)
  ) STRICT`,
  `CREATE TABLE orders (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    position_id INTEGER NOT NULL REFERENCES positions (id),
    side TEXT NOT NULL CHECK (side IN ('buy', 'sell')),
    status TEXT NOT NULL CHECK (status IN ('filled', 'cancelled')),
    quantity TEXT NOT NULL,
    filled_quantity TEXT NOT NULL,
    price TEXT NOT NULL,
    created_at TEXT NOT NULL
  ) STRICT`,
  `CREATE TABLE events (
    sequence INTEGER PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('order-placed', 'order-filled', 'order-cancelled')),
    order_id TEXT NOT NULL REFERENCES orders (id),
    account_id TEXT NOT NULL,
    position_id INTEGER NOT NULL,
    quantity_delta TEXT NOT NULL,
    balance_delta TEXT NOT NULL,
    details TEXT NOT NULL,
    created_at TEXT NOT NULL
  ) STRICT`,
  'CREATE INDEX orders_by_position ON orders (position_id)',
  'CREATE INDEX events_by_order ON events (order_id)',
]

/** An amount as a whole number of the smallest unit. */
const units = (column: string): string => `CAST(replace(${column}, '.', '') AS INTEGER)`

export const botChecks: readonly UserCheck[] = [
  {
    name: 'fills add up to positions',
    sql: `SELECT count(*) FROM positions
      LEFT JOIN (SELECT position_id, sum(${units('quantity_delta')}) AS filled FROM events GROUP BY position_id) AS fills
        ON fills.position_id = positions.id
      WHERE ${units('quantity')} <> coalesce(filled, 0)`,
    equals: 0,
  },
  {
    name: 'events add up to account balances',
    sql: `SELECT count(*) FROM accounts
      LEFT JOIN (SELECT account_id, sum(${units('balance_delta')}) AS change FROM events GROUP BY account_id) AS changes
        ON changes.account_id = accounts.id
      WHERE ${units('balance')} <> ${units('opening_balance')} + coalesce(change, 0)`,
    equals: 0,
  },
  {
    name: 'orders are filled as their events say',
    sql: `SELECT count(*) FROM orders
      LEFT JOIN (SELECT order_id, sum(${units('quantity_delta')}) AS filled FROM events GROUP BY order_id) AS fills
        ON fills.order_id = orders.id
      WHERE filled IS NULL OR ${units('filled_quantity')} <> CASE side WHEN 'buy' THEN filled ELSE -filled END`,
    equals: 0,
  },
  { name: 'no orphan orders', sql: 'SELECT count(*) FROM orders WHERE position_id NOT IN (SELECT id FROM positions)', equals: 0 },
  { name: 'no orphan events', sql: 'SELECT count(*) FROM events WHERE order_id NOT IN (SELECT id FROM orders)', equals: 0 },
  { name: 'no gap in the events', sql: 'SELECT coalesce(max(sequence), 0) - count(*) FROM events', equals: 0 },
]
