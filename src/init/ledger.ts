/**
 * Whose tables these are, and what must hold in them after every transaction of their program. Pure.
 * A ledger is recognised by a few tables with columns that only it has: names such as "orders" and "trades" are everybody's.
 * Source of the schemas: freqtrade's persistence models of 2024-10 and hummingbot's of 2024-2025, read 2026-11-23.
 */
import type { UserCheck } from '../config.ts'
import { botChecks } from '../drill/bot-schema.ts'
import type { Schema } from '../ports/schema-reader.ts'

export type Ledger = 'genesis' | 'freqtrade' | 'hummingbot' | 'own'

type Known = Exclude<Ledger, 'own'>

const telling: Readonly<Record<Known, Readonly<Record<string, readonly string[]>>>> = {
  genesis: {
    accounts: ['opening_balance'],
    positions: ['average_price'],
    orders: ['position_id', 'filled_quantity'],
    events: ['balance_delta'],
  },
  freqtrade: { trades: ['pair', 'stake_amount', 'is_open', 'open_rate'], orders: ['ft_trade_id', 'ft_pair', 'order_id'] },
  hummingbot: { Order: ['config_file_path', 'exchange_order_id'], TradeFill: ['order_id', 'exchange_trade_id'], OrderStatus: ['order_id'] },
}

const none = (name: string, sql: string): UserCheck => ({ name, sql: `SELECT count(*) FROM ${sql}`, equals: 0 })

const checksOf: Readonly<Record<Known, readonly UserCheck[]>> = {
  genesis: botChecks.map(({ name, sql, equals }) => ({ name, sql: sql.replace(/\s+/g, ' '), equals })),
  freqtrade: [
    none('no trade without an order', 'trades WHERE NOT EXISTS (SELECT 1 FROM orders WHERE ft_trade_id = trades.id)'),
    none('no order without its trade', 'orders WHERE NOT EXISTS (SELECT 1 FROM trades WHERE id = ft_trade_id)'),
    none('closed trades have a closing date', 'trades WHERE NOT is_open AND close_date IS NULL'),
  ],
  hummingbot: [
    none('no fill without its order', 'TradeFill WHERE NOT EXISTS (SELECT 1 FROM "Order" WHERE id = TradeFill.order_id)'),
    none('no status without its order', 'OrderStatus WHERE NOT EXISTS (SELECT 1 FROM "Order" WHERE id = OrderStatus.order_id)'),
  ],
}

const foreignKeys = none('foreign keys hold', 'pragma_foreign_key_check')

export interface Recognised {
  readonly ledger: Ledger
  readonly because: string
}

export function recogniseLedger({ tables }: Schema): Recognised {
  for (const ledger of ['genesis', 'freqtrade', 'hummingbot'] as const) {
    const needed = Object.entries(telling[ledger])
    if (needed.every(([table, columns]) => columns.every((column) => tables[table]?.includes(column) === true)))
      return { ledger, because: `its tables ${needed.map(([table]) => table).join(', ')} are those of ${ledger}` }
  }
  const names = Object.keys(tables).filter((name) => !name.startsWith('sqlite_'))
  return {
    ledger: 'own',
    because: names.length === 0 ? 'it has no tables yet' : `it has tables of its own: ${names.slice(0, 8).join(', ')}`,
  }
}

/** What can be proposed for it; whether it holds in this database is another question. */
export function proposedChecks(ledger: Ledger, schema: Schema): readonly UserCheck[] {
  return [...(ledger === 'own' ? [] : checksOf[ledger]), ...(schema.foreignKeys > 0 ? [foreignKeys] : [])]
}
