/**
 * What the drill bot trades: one order at a time, chosen by chance, with what it does to position and account. Pure.
 * Amounts are whole numbers of 1e-8, the smallest unit; they never become floats.
 */
import { must } from '../assert.ts'
import type { Random } from '../ports/random.ts'

export const unit = 100_000_000n

/** "-0.50000000". */
export function formatAmount(units: bigint): string {
  const digits = (units < 0n ? -units : units).toString().padStart(9, '0')
  return `${units < 0n ? '-' : ''}${digits.slice(0, -8)}.${digits.slice(-8)}`
}

/** The inverse; null for anything that is not written with exactly eight digits after the point. */
export function parseAmount(text: string): bigint | null {
  return /^-?\d+\.\d{8}$/.test(text) ? BigInt(text.replace('.', '')) : null
}

export interface Market {
  readonly positionId: number
  readonly accountId: string
  readonly symbol: string
  /** Around which its price moves. */
  readonly basePrice: bigint
  /** Beyond it, on either side, the position is only reduced. */
  readonly largestQuantity: bigint
}

export const openingBalance = 1_000_000n * unit
export const currency = 'USDT'
export const accountIds = ['main', 'hedge', 'grid'] as const

const symbols = [
  { symbol: 'BTCUSDT', basePrice: 64_000n * unit, largestQuantity: 2n * unit },
  { symbol: 'ETHUSDT', basePrice: 3_100n * unit, largestQuantity: 40n * unit },
  { symbol: 'SOLUSDT', basePrice: 145n * unit, largestQuantity: 800n * unit },
  { symbol: 'XRPUSDT', basePrice: (unit * 52n) / 100n, largestQuantity: 200_000n * unit },
]

export const markets: readonly Market[] = accountIds.flatMap((accountId, account) =>
  symbols.map((market, index) => ({ ...market, accountId, positionId: account * symbols.length + index + 1 })),
)

export interface Position {
  /** Negative when short. */
  readonly quantity: bigint
  readonly averagePrice: bigint
}

export interface Trade {
  readonly market: Market
  readonly side: 'buy' | 'sell'
  readonly status: 'filled' | 'cancelled'
  readonly quantity: bigint
  readonly price: bigint
  /** Placed first, then one or two fills that add up to `quantity`, or the cancellation. */
  readonly events: readonly TradeEvent[]
}

export interface TradeEvent {
  readonly kind: 'order-placed' | 'order-filled' | 'order-cancelled'
  readonly quantityDelta: bigint
  /** Paid or received, fee included. */
  readonly balanceDelta: bigint
  readonly fee: bigint
}

/** The next order; `positionOf` says how things stand. */
export function nextTrade(random: Random, positionOf: (market: Market) => Position): Trade {
  const below = (bound: number): number => random.below(bound)
  const market = must(markets[below(markets.length)], 'below() keeps to its bound')
  const side = sideFor(positionOf(market).quantity, market.largestQuantity, below)
  // Within 2 % of the base, in ticks of a hundredth of a percent.
  const price = (market.basePrice * BigInt(9_800 + below(401))) / 10_000n
  const quantity = (market.largestQuantity * BigInt(1 + below(400))) / 4_000n
  const sign = side === 'buy' ? 1n : -1n
  const placed: TradeEvent = { kind: 'order-placed', quantityDelta: 0n, balanceDelta: 0n, fee: 0n }
  if (below(20) === 0) {
    const cancelled: TradeEvent = { kind: 'order-cancelled', quantityDelta: 0n, balanceDelta: 0n, fee: 0n }
    return { market, side, status: 'cancelled', quantity, price, events: [placed, cancelled] }
  }
  const first = below(8) === 0 ? quantity / 3n : quantity
  const parts = first === quantity ? [quantity] : [first, quantity - first]
  return { market, side, status: 'filled', quantity, price, events: [placed, ...parts.map((part) => fill(sign * part, price))] }
}

/** The position after a fill of `quantityDelta` at `price`: adding moves the average, reducing keeps it, turning begins anew. */
export function afterFill(position: Position, quantityDelta: bigint, price: bigint): Position {
  const quantity = position.quantity + quantityDelta
  if (quantity === 0n) return { quantity, averagePrice: 0n }
  if (position.quantity * quantityDelta >= 0n) {
    return { quantity, averagePrice: (position.quantity * position.averagePrice + quantityDelta * price) / quantity }
  }
  return { quantity, averagePrice: position.quantity * quantity > 0n ? position.averagePrice : price }
}

function fill(quantityDelta: bigint, price: bigint): TradeEvent {
  const notional = (quantityDelta * price) / unit
  const fee = ((notional < 0n ? -notional : notional) * 4n) / 10_000n
  return { kind: 'order-filled', quantityDelta, balanceDelta: -notional - fee, fee }
}

function sideFor(held: bigint, largest: bigint, below: (bound: number) => number): Trade['side'] {
  if (held > largest) return 'sell'
  if (held < -largest) return 'buy'
  return below(2) === 0 ? 'buy' : 'sell'
}
