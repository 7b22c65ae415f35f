/**
 * The bot of drills and tests: a process that trades on a SQLite database as a real bot would, and writes down what it was told is
 * committed. It knows nothing of recovery. It goes on from whatever the database holds, and dies of whatever SQLite cannot bear.
 *
 *   node src/entries/drill-bot.ts --db FILE --witness FILE [--rate TX_PER_S] [--seed N] [--history EVENTS]
 *     [--read-every MS] [--page-size BYTES] [--leash PID]
 *
 * With a leash it ends when that process is gone: the bot of a drill that was killed does not trade on for ever.
 * A rate of 0 is as fast as possible. History is written when the database is new. Exit status: 0 after SIGTERM or SIGINT, 1 after an
 * error of SQLite, 2 for a command line that it does not know.
 */
import { randomBytes } from 'node:crypto'
import { openSync, writeSync } from 'node:fs'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { parseArgs } from 'node:util'
import { holdLeash } from '../adapters/process/leash.ts'
import { botSchema } from '../drill/bot-schema.ts'
import {
  accountIds,
  afterFill,
  currency,
  formatAmount,
  type Market,
  markets,
  nextTrade,
  openingBalance,
  type Position,
  parseAmount,
} from '../drill/bot-trading.ts'
import { seededRandom } from '../drill/seeded-random.ts'
import { encodeWitness, type WitnessCommit } from '../drill/witness.ts'
import type { Random } from '../ports/random.ts'

interface Options {
  readonly db: string
  readonly witness: string
  /** Transactions a second, 0 for as many as possible. */
  readonly rate: number
  readonly seed: number
  /** Events that a new database begins with. */
  readonly history: number
  readonly readEveryMs: number
  readonly pageSize: number
  /** null: it lives until it is stopped. */
  readonly leashPid: number | null
}

function readOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      db: { type: 'string' },
      witness: { type: 'string' },
      rate: { type: 'string', default: '50' },
      seed: { type: 'string', default: '1' },
      history: { type: 'string', default: '20000' },
      'read-every': { type: 'string', default: '50' },
      'page-size': { type: 'string', default: '4096' },
      leash: { type: 'string' },
    },
  })
  if (values.db === undefined || values.witness === undefined) throw new TypeError('--db FILE and --witness FILE are required')
  const number = (name: 'rate' | 'seed' | 'history' | 'read-every' | 'page-size'): number => {
    const value = Number(values[name])
    if (!Number.isFinite(value) || value < 0) throw new TypeError(`--${name} takes a number that is not negative`)
    return value
  }
  return {
    db: values.db,
    witness: values.witness,
    rate: number('rate'),
    seed: number('seed'),
    history: number('history'),
    readEveryMs: number('read-every'),
    pageSize: number('page-size'),
    leashPid: values.leash === undefined ? null : Number(values.leash),
  }
}

const say = (text: string): void => {
  writeSync(1, `${new Date().toISOString()} ${text}\n`)
}

function connect(options: Options): DatabaseSync {
  const database = new DatabaseSync(options.db, { timeout: 5000 })
  database.exec(`PRAGMA page_size = ${options.pageSize}; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = OFF`)
  return database
}

function isNew(database: DatabaseSync): boolean {
  return database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'events'").get() === undefined
}

function createSchema(database: DatabaseSync): void {
  const now = new Date().toISOString()
  const opening = formatAmount(openingBalance)
  database.exec('BEGIN IMMEDIATE')
  for (const statement of botSchema) database.exec(statement)
  const account = database.prepare('INSERT INTO accounts VALUES (?, ?, ?, ?, ?)')
  for (const id of accountIds) account.run(id, currency, opening, opening, now)
  const position = database.prepare('INSERT INTO positions VALUES (?, ?, ?, ?, ?, ?, ?)')
  for (const market of markets)
    position.run(market.positionId, market.accountId, market.symbol, formatAmount(0n), formatAmount(0n), now, now)
  database.exec('COMMIT')
}

/** Trades on one connection. */
interface Desk {
  /** Newest order number and event sequence number. */
  readonly seq: number
  readonly eventSeq: number
  /** Executes the next order inside the transaction that is open. */
  trade(atMs: number): WitnessCommit
  /** What was traded since the last commit did not happen. */
  forget(): void
}

function openDesk(database: DatabaseSync, seed: number, life: string): Desk {
  const newest = (sql: string): number => Number(database.prepare(sql).get()?.['newest'] ?? 0)
  const held = () => ({
    seq: newest('SELECT max(number) AS newest FROM orders'),
    eventSeq: newest('SELECT max(sequence) AS newest FROM events'),
  })
  let { seq, eventSeq } = held()
  const readPosition = database.prepare('SELECT quantity, average_price FROM positions WHERE id = ?')
  const readBalance = database.prepare('SELECT balance FROM accounts WHERE id = ?')
  const writePosition = database.prepare('UPDATE positions SET quantity = ?, average_price = ?, updated_at = ? WHERE id = ?')
  const writeBalance = database.prepare('UPDATE accounts SET balance = ?, updated_at = ? WHERE id = ?')
  const writeOrder = database.prepare('INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)')
  const writeEvent = database.prepare('INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)')
  const positionOf = ({ positionId }: Market): Position => ({
    quantity: amountOf(readPosition, 'quantity', positionId),
    averagePrice: amountOf(readPosition, 'average_price', positionId),
  })
  return {
    get seq() {
      return seq
    },
    get eventSeq() {
      return eventSeq
    },
    forget: () => {
      ;({ seq, eventSeq } = held())
    },
    trade: (atMs) => {
      const at = new Date(atMs).toISOString()
      const trade = nextTrade(chanceOf(seed, seq + 1), positionOf)
      const { positionId, accountId, symbol } = trade.market
      const orderId = `${life}-${seq + 1}`
      const filled = trade.status === 'filled' ? trade.quantity : 0n
      const price = formatAmount(trade.price)
      writeOrder.run(seq + 1, orderId, positionId, trade.side, trade.status, formatAmount(trade.quantity), formatAmount(filled), price, at)
      let position = positionOf(trade.market)
      let balance = amountOf(readBalance, 'balance', accountId)
      for (const event of trade.events) {
        eventSeq++
        const details = JSON.stringify({ symbol, side: trade.side, price, fee: formatAmount(event.fee) })
        const amounts = [formatAmount(event.quantityDelta), formatAmount(event.balanceDelta)] as const
        writeEvent.run(eventSeq, event.kind, orderId, accountId, positionId, ...amounts, details, at)
        position = event.quantityDelta === 0n ? position : afterFill(position, event.quantityDelta, trade.price)
        balance += event.balanceDelta
      }
      writePosition.run(formatAmount(position.quantity), formatAmount(position.averagePrice), at, positionId)
      writeBalance.run(formatAmount(balance), at, accountId)
      seq++
      return { seq, atMs, orderId, eventSeq }
    },
  }
}

/** The same order number of the same world is the same order, whatever came between. */
const chanceOf = (seed: number, number: number): Random => seededRandom(seed * 1_000_003 + number)

function amountOf(statement: StatementSync, column: string, key: string | number): bigint {
  const text = statement.get(key)?.[column]
  const amount = typeof text === 'string' ? parseAmount(text) : null
  if (amount === null) throw new Error(`database holds no amount in ${column} of ${key}: ${JSON.stringify(text ?? null)}`)
  return amount
}

const historyChunk = 4000

/** Trades of the past, one second apart, in large transactions. */
function writeHistory(database: DatabaseSync, desk: Desk, events: number): void {
  const began = Date.now() - events * 1000
  while (desk.eventSeq < events) {
    const until = Math.min(events, desk.eventSeq + historyChunk)
    database.exec('BEGIN IMMEDIATE')
    while (desk.eventSeq < until) desk.trade(began + desk.eventSeq * 1000)
    database.exec('COMMIT')
  }
  // The past is in the database file, not in a WAL that is as large as it.
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
}

/** One transaction, acknowledged: what it returns has been committed. */
function commitOne(database: DatabaseSync, desk: Desk): WitnessCommit {
  database.exec('BEGIN IMMEDIATE')
  try {
    const commit = desk.trade(Date.now())
    database.exec('COMMIT')
    return { ...commit, atMs: Date.now() }
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}

/** A round of reviews through the history as it was when the round began. */
interface Round {
  /** First event that is not reviewed yet. */
  readonly from: number
  /** Last event of this round. */
  readonly last: number
}

const reviewedRows = 1000
/** Chosen: at the default pace the whole history is read once a second, however large it has become. */
const reviewsPerRound = 20

/**
 * What a bot asks its database again and again, on a connection that is opened for it as web requests and reports do, so that it reads
 * the files and not its memory. Each review takes the next range of the history, through tables and indexes. A round has an end that
 * stands: a bot that trades faster than it reads comes back to the beginning all the same, so no damage stays unread.
 */
function review(options: Options, { from, last }: Round): Round {
  const database = new DatabaseSync(options.db, { timeout: 5000 })
  try {
    database.prepare('SELECT id, symbol, quantity, average_price FROM positions').all()
    database.prepare('SELECT id, balance FROM accounts').all()
    database.prepare('SELECT id, side, status, price FROM orders ORDER BY number DESC LIMIT 50').all()
    const to = from + Math.max(reviewedRows, Math.ceil(last / reviewsPerRound))
    database
      .prepare('SELECT count(o.price), max(e.created_at) FROM events e JOIN orders o ON o.id = e.order_id WHERE e.sequence BETWEEN ? AND ?')
      .get(from, to)
    database
      .prepare('SELECT count(e.details) FROM orders o JOIN events e ON e.order_id = o.id WHERE o.number BETWEEN ? AND ?')
      .get(from, to)
    if (to < last) return { from: to + 1, last }
    return { from: 1, last: Number(database.prepare('SELECT max(sequence) AS newest FROM events').get()?.['newest'] ?? 0) }
  } finally {
    database.close()
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' && (error.errcode & 0xff) === 5
}

function run(options: Options): void {
  const life = randomBytes(4).toString('hex')
  const witness = openSync(options.witness, 'a')
  const database = connect(options)
  const fresh = isNew(database)
  if (fresh) createSchema(database)
  const desk = openDesk(database, options.seed, life)
  if (fresh) writeHistory(database, desk, options.history)
  writeSync(witness, encodeWitness({ life, pid: process.pid, atMs: Date.now(), seq: desk.seq, eventSeq: desk.eventSeq }))
  say(`drill-bot ready: pid ${process.pid}, life ${life}, ${desk.seq} orders, ${desk.eventSeq} events`)

  const stepMs = options.rate === 0 ? 0 : 1000 / options.rate
  let dueMs = performance.now()
  let reviewDueMs = performance.now()
  let reportDueMs = performance.now() + 5000
  let round: Round = { from: 1, last: 0 }

  const patiently = (act: () => void): void => {
    try {
      act()
    } catch (error) {
      if (!isBusy(error)) throw error
      say(`database is locked, trying again`)
      desk.forget()
    }
  }
  const tick = (): void => {
    const sliceEndMs = performance.now() + 10
    for (let now = performance.now(); now >= dueMs && now < sliceEndMs; now = performance.now()) {
      patiently(() => writeSync(witness, encodeWitness(commitOne(database, desk))))
      // After a long stall the pace goes on from now, without a burst.
      dueMs = now - dueMs > 1000 ? now : dueMs + stepMs
    }
    if (options.readEveryMs > 0 && performance.now() >= reviewDueMs) {
      patiently(() => (round = review(options, round)))
      reviewDueMs = performance.now() + options.readEveryMs
    }
    if (performance.now() >= reportDueMs) {
      say(`${desk.seq} orders, ${desk.eventSeq} events`)
      reportDueMs += 5000
    }
    const restMs = Math.min(dueMs, options.readEveryMs > 0 ? reviewDueMs : dueMs) - performance.now()
    if (restMs > 0) setTimeout(next, restMs)
    else setImmediate(next)
  }
  const next = (): void => {
    if (database.isOpen) orDie(tick)
  }
  // A signal is handled between two transactions, never inside one.
  const finish = (): void => {
    if (database.isOpen) database.close()
    say(`drill-bot ended: ${desk.seq} orders, ${desk.eventSeq} events`)
    process.exit(0)
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => orDie(finish))
  const { leashPid } = options
  if (leashPid !== null) holdLeash(leashPid, () => orDie(finish))
  next()
}

function orDie(act: () => void): void {
  try {
    act()
  } catch (error) {
    const code = error instanceof Error && 'errcode' in error ? ` (SQLite code ${String(error.errcode)})` : ''
    say(`DatabaseError: ${error instanceof Error ? error.message : String(error)}${code}`)
    process.exit(1)
  }
}

function main(): void {
  try {
    const options = readOptions(process.argv.slice(2))
    orDie(() => run(options))
  } catch (error) {
    process.stderr.write(`drill-bot: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 2
  }
}

main()
