/** Checks and how several of them are told in one sentence. */
import { describe, expect, it } from 'vitest'
import { compared, failures, notConfigured, passed } from './check-result.ts'

describe('a check', () => {
  it('what was observed is what was expected, or not -> pass, or fail, with both', () => {
    expect(compared('orphans', '0', '0')).toEqual({ check: 'orphans', outcome: 'pass', observed: '0', expected: '0' })
    expect(compared('orphans', '3', '0')).toEqual({ check: 'orphans', outcome: 'fail', observed: '3', expected: '0' })
    expect(compared('name', 'a ', 'a').outcome).toBe('fail')
  })

  it('it cannot be made -> not configured, with why: neither pass nor fail', () => {
    expect(notConfigured('account balances', 'no exchange is configured')).toEqual({
      check: 'account balances',
      outcome: 'not-configured',
      observed: 'no exchange is configured',
      expected: '',
    })
  })
})

describe('what failed of several checks', () => {
  it('nothing -> an empty sentence, whatever else is not configured', () => {
    expect(failures([])).toBe('')
    expect(failures([passed('a', 'ok', 'ok'), notConfigured('b', 'nobody said how')])).toBe('')
  })

  it('some -> each with what it is instead of what it should be', () => {
    expect(failures([compared('a', '3', '0'), passed('b', 'ok', 'ok'), compared('c', 'x', 'y')])).toBe(
      'a: 3 instead of 0; c: x instead of y',
    )
  })
})
