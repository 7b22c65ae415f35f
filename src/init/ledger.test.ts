/** Whose tables a database has, and checks that hold in it, empty and in use: asked of SQLite, as they are in a recovery. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { repository } from '../../test/support/system.ts'
import { databaseChecks } from '../adapters/sqlite/database-checks.ts'
import { schemaReader } from '../adapters/sqlite/schema-reader.ts'
import { botSchema } from '../drill/bot-schema.ts'
import { runUserChecks } from '../runbook/check-database.ts'
import { proposedChecks, recogniseLedger } from './ledger.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'genesis-dr-ledger-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const schemas = {
  freqtrade: readFileSync(join(repository, 'test/writers/freqtrade.sql'), 'utf8'),
  hummingbot: readFileSync(join(repository, 'test/writers/hummingbot.sql'), 'utf8'),
  genesis: botSchema.join(';'),
}
const trade = (id: number, rest = '1, NULL'): string =>
  `INSERT INTO trades (id, exchange, pair, fee_open, fee_close, open_rate, stake_amount, amount, open_date, is_stop_loss_trailing, is_short, interest_rate, is_open, close_date)
   VALUES (${id}, 'x', 'ETH/USDT', 0, 0, 1, 1, 1, '2025-01-01', 0, 0, 0, ${rest});`
const order = (tradeId: number): string =>
  `INSERT INTO orders (ft_trade_id, ft_order_side, ft_pair, ft_is_open, ft_amount, ft_price, order_id)
   VALUES (${tradeId}, 'buy', 'ETH/USDT', 0, 1, 1, 'o-' || hex(randomblob(8)));`
const hummingbotOrder = `INSERT INTO "Order" VALUES ('b-1', 'c', 's', 'm', 'ETH-USDT', 'ETH', 'USDT', 1, 'LIMIT', 1, 1, 1, 'x', 1, NULL, NULL);`
const fill = `INSERT INTO TradeFill VALUES ('c', 's', 'm', 'ETH-USDT', 'ETH', 'USDT', 1, 'b-1', 'BUY', 'LIMIT', 1, 1, 1, '{}', 1, 't-1', NULL);`
const rows = {
  freqtrade: `${trade(1)}${order(1)}${trade(2, "0, '2025-01-02'")}${order(2)}${order(2)}`,
  hummingbot: `${hummingbotOrder}${fill}INSERT INTO OrderStatus VALUES (1, 'b-1', 1, 'BuyOrderCreated');`,
  genesis: `INSERT INTO accounts VALUES ('a', 'USDT', '10.00000000', '8.00000000', 't');
    INSERT INTO positions VALUES (1, 'a', 'ETHUSDT', '1.00000000', '2.00000000', 't', 't');
    INSERT INTO orders VALUES (1, 'o-1', 1, 'buy', 'filled', '1.00000000', '1.00000000', '2.00000000', 't');
    INSERT INTO events VALUES (1, 'order-filled', 'o-1', 'a', 1, '1.00000000', '-2.00000000', '{}', 't');`,
}

let serial = 0
function made(sql: string): string {
  const path = join(folder, `${++serial}.db`)
  const database = new DatabaseSync(path, { enableForeignKeyConstraints: false })
  database.exec(sql)
  database.close()
  return path
}

async function outcomes(path: string): Promise<Readonly<Record<string, string>>> {
  const schema = await schemaReader.read(path, 'alone')
  const checks = proposedChecks(recogniseLedger(schema).ledger, schema)
  const said: Record<string, string> = {}
  for await (const { check, outcome, observed } of runUserChecks(databaseChecks, path, 'alone', checks))
    said[check] = `${outcome} ${observed}`
  return said
}

describe.each(['freqtrade', 'hummingbot', 'genesis'] as const)('the tables of %s', (name) => {
  it('empty, and with trades -> recognised, and every check that is proposed holds', async () => {
    for (const path of [made(schemas[name]), made(`${schemas[name]};${rows[name]}`)]) {
      expect(recogniseLedger(await schemaReader.read(path, 'alone')).ledger).toBe(name)
      const said = await outcomes(path)
      expect(Object.keys(said).length).toBeGreaterThan(2)
      expect(Object.values(said)).toEqual(Object.values(said).map(() => 'pass 0'))
    }
  })

  it('a table is missing -> it is not called so', async () => {
    const { tables, foreignKeys } = await schemaReader.read(made(schemas[name]), 'alone')
    const needed = name === 'hummingbot' ? 'TradeFill' : 'orders'
    const { [needed]: _, ...rest } = tables
    expect(recogniseLedger({ tables: rest, foreignKeys }).ledger).toBe('own')
  })
})

describe('what a proposed check is for', () => {
  it.each([
    ['a trade lost its orders', 'freqtrade', trade(1), 'no trade without an order'],
    ['an order lost its trade', 'freqtrade', order(7), 'no order without its trade'],
    ['a closed trade lost its date', 'freqtrade', trade(1, '0, NULL') + order(1), 'closed trades have a closing date'],
    ['an order lost its trade, by the keys', 'freqtrade', order(7), 'foreign keys hold'],
    ['a fill lost its order', 'hummingbot', fill, 'no fill without its order'],
  ] as const)('%s -> it is seen', async (_, name, damage, check) => {
    expect((await outcomes(made(`${schemas[name]};${damage}`)))[check]).toBe('fail 1')
  })

  it('tables of somebody\'s own, with and without foreign keys -> "own", with that check only where there is something to check', async () => {
    const bare = made('CREATE TABLE orders (id INTEGER PRIMARY KEY, pair TEXT); CREATE TABLE trades (id INTEGER PRIMARY KEY)')
    expect(await outcomes(bare)).toEqual({})
    const keyed = made('CREATE TABLE trades (id INTEGER PRIMARY KEY); CREATE TABLE orders (trade REFERENCES trades (id))')
    expect(await outcomes(keyed)).toEqual({ 'foreign keys hold': 'pass 0' })
    const { ledger, because } = recogniseLedger(await schemaReader.read(bare, 'alone'))
    expect([ledger, because]).toEqual(['own', 'it has tables of its own: orders, trades'])
  })
})
