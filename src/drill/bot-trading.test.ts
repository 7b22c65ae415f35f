import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { afterFill, formatAmount, markets, nextTrade, type Position, parseAmount, unit } from './bot-trading.ts'
import { seededRandom } from './seeded-random.ts'

const flat: Position = { quantity: 0n, averagePrice: 0n }

describe('amounts of the drill bot', () => {
  it.each([
    [0n, '0.00000000'],
    [1n, '0.00000001'],
    [-50_000_000n, '-0.50000000'],
    [-1n, '-0.00000001'],
    [123_456_789_012n, '1234.56789012'],
  ])('%s smallest units are written %s', (units, text) => {
    expect(formatAmount(units)).toBe(text)
    expect(parseAmount(text)).toBe(units)
  })

  it('any amount -> read back as it was written', () => {
    fc.assert(fc.property(fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }), (units) => parseAmount(formatAmount(units)) === units))
  })

  it.each(['', '1', '1.5', '.50000000', '1e5', '1.000000001', ' 1.00000000'])('%j is not an amount', (text) => {
    expect(parseAmount(text)).toBeNull()
  })
})

describe('trades of the drill bot', () => {
  it('the same seed -> the same trade, and another seed another', () => {
    const first = nextTrade(seededRandom(7), () => flat)
    expect(nextTrade(seededRandom(7), () => flat)).toEqual(first)
    const others = Array.from({ length: 20 }, (_, n) => nextTrade(seededRandom(8 + n), () => flat))
    expect(others.some((other) => other.price !== first.price)).toBe(true)
  })

  it('any trade -> its fills add up to its quantity, and cash moves against it by price and fee', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const trade = nextTrade(seededRandom(seed), () => flat)
        const moved = trade.events.reduce((sum, event) => sum + event.quantityDelta, 0n)
        const signed = trade.side === 'buy' ? trade.quantity : -trade.quantity
        expect(moved).toBe(trade.status === 'filled' ? signed : 0n)
        for (const { quantityDelta, balanceDelta, fee } of trade.events)
          expect(balanceDelta).toBe(-((quantityDelta * trade.price) / unit) - fee)
        expect(trade.quantity > 0n && trade.price > 0n).toBe(true)
      }),
    )
  })

  it('ten thousand trades -> positions stay within their bounds, and every market, side and ending occurs', () => {
    const positions = new Map(markets.map((market) => [market.positionId, flat]))
    const seen = new Set<string>()
    for (let number = 1; number <= 10_000; number++) {
      const trade = nextTrade(seededRandom(number), ({ positionId }) => positions.get(positionId) ?? flat)
      seen.add(trade.market.symbol).add(trade.side).add(trade.status).add(`${trade.events.length} events`)
      let position = positions.get(trade.market.positionId) ?? flat
      for (const event of trade.events) if (event.quantityDelta !== 0n) position = afterFill(position, event.quantityDelta, trade.price)
      positions.set(trade.market.positionId, position)
      const size = position.quantity < 0n ? -position.quantity : position.quantity
      expect(size <= (trade.market.largestQuantity * 11n) / 10n).toBe(true)
    }
    expect([...seen].sort()).toEqual([
      '2 events',
      '3 events',
      'BTCUSDT',
      'ETHUSDT',
      'SOLUSDT',
      'XRPUSDT',
      'buy',
      'cancelled',
      'filled',
      'sell',
    ])
  })

  it('a position is added to, reduced, closed and turned -> its average price follows', () => {
    const two = afterFill(flat, 2n * unit, 100n * unit)
    expect(two).toEqual({ quantity: 2n * unit, averagePrice: 100n * unit })
    expect(afterFill(two, 2n * unit, 200n * unit)).toEqual({ quantity: 4n * unit, averagePrice: 150n * unit })
    expect(afterFill(two, -unit, 300n * unit)).toEqual({ quantity: unit, averagePrice: 100n * unit })
    expect(afterFill(two, -2n * unit, 300n * unit)).toEqual(flat)
    expect(afterFill(two, -3n * unit, 300n * unit)).toEqual({ quantity: -unit, averagePrice: 300n * unit })
  })
})
