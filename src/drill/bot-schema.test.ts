import { DatabaseSync } from 'node:sqlite'
import { beforeEach, describe, expect, it } from 'vitest'
import { botChecks, botSchema } from './bot-schema.ts'

const at = "'2026-01-01T00:00:00.000Z'"
let database: DatabaseSync

/** One account, one position, one filled order of 0.3 at 100 in two fills, and one that was cancelled. */
beforeEach(() => {
  database = new DatabaseSync(':memory:', { enableForeignKeyConstraints: false })
  for (const statement of botSchema) database.exec(statement)
  database.exec(`
    INSERT INTO accounts VALUES ('main', 'USDT', '1000.00000000', '969.98800000', ${at});
    INSERT INTO positions VALUES (1, 'main', 'BTCUSDT', '0.30000000', '100.00000000', ${at}, ${at});
    INSERT INTO orders VALUES (1, 'a-1', 1, 'buy', 'filled', '0.30000000', '0.30000000', '100.00000000', ${at});
    INSERT INTO orders VALUES (2, 'a-2', 1, 'sell', 'cancelled', '0.10000000', '0.00000000', '100.00000000', ${at});
    INSERT INTO events VALUES (1, 'order-placed', 'a-1', 'main', 1, '0.00000000', '0.00000000', '{}', ${at});
    INSERT INTO events VALUES (2, 'order-filled', 'a-1', 'main', 1, '0.10000000', '-10.00400000', '{}', ${at});
    INSERT INTO events VALUES (3, 'order-filled', 'a-1', 'main', 1, '0.20000000', '-20.00800000', '{}', ${at});
    INSERT INTO events VALUES (4, 'order-placed', 'a-2', 'main', 1, '0.00000000', '0.00000000', '{}', ${at});
    INSERT INTO events VALUES (5, 'order-cancelled', 'a-2', 'main', 1, '0.00000000', '0.00000000', '{}', ${at})`)
})

const failing = (): string[] =>
  botChecks.filter((check) => Object.values(database.prepare(check.sql).get() ?? {})[0] !== check.equals).map((check) => check.name)

describe('what must hold in the database of the drill bot', () => {
  it('it is sound, and when it is empty -> every check passes', () => {
    expect(failing()).toEqual([])
    for (const table of ['events', 'orders', 'positions', 'accounts']) database.exec(`DELETE FROM ${table}`)
    expect(failing()).toEqual([])
  })

  it.each([
    ['a position lost one unit', "UPDATE positions SET quantity = '0.29999999'", ['fills add up to positions']],
    ['a balance gained one unit', "UPDATE accounts SET balance = '969.98800001'", ['events add up to account balances']],
    [
      'a fill is missing',
      'DELETE FROM events WHERE sequence = 3',
      ['fills add up to positions', 'events add up to account balances', 'orders are filled as their events say', 'no gap in the events'],
    ],
    ['an event in the middle is missing that moved nothing', 'DELETE FROM events WHERE sequence = 4', ['no gap in the events']],
    ['all events of an order are missing', 'DELETE FROM events WHERE sequence > 3', ['orders are filled as their events say']],
    ['an order is missing', "DELETE FROM orders WHERE id = 'a-2'", ['no orphan events']],
    [
      'an order claims more than its fills',
      "UPDATE orders SET filled_quantity = '0.40000000' WHERE number = 1",
      ['orders are filled as their events say'],
    ],
    ['a position is missing', 'DELETE FROM positions', ['no orphan orders']],
  ])('%s -> exactly the checks that guard it fail', (_, damage, expected) => {
    database.exec(damage)
    expect(failing()).toEqual(expected)
  })
})
