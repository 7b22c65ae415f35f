/** The word that was meant: near enough to be offered, and nothing where nothing is near. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nearest } from './nearest.ts'

const words = ['database', 'replica', 'service', 'checks', 'notify', 'name']

describe('a mistyped word', () => {
  it.each([
    ['databse', 'database'],
    ['databases', 'database'],
    ['DATABASE', 'database'],
    ['replcia', 'replica'],
    ['check', 'checks'],
    ['nmae', 'name'],
    ['servise', 'service'],
  ])('%s -> %s', (given, meant) => {
    expect(nearest(given, words)).toBe(meant)
  })

  it.each(['', 'xyzzy', 'exchange', 'a'])('%j, which is near to none -> nothing is offered', (given) => {
    expect(nearest(given, words)).toBeNull()
  })

  it('no word is known -> nothing', () => {
    expect(nearest('anything', [])).toBeNull()
  })

  it('two are equally near -> the first of the list', () => {
    expect(nearest('cat', ['bat', 'car'])).toBe('bat')
  })

  it('any known word, with one letter changed, left out or doubled -> that word', () => {
    const long = ['database', 'replica', 'service', 'automation']
    fc.assert(
      fc.property(fc.constantFrom(...long), fc.nat(20), fc.constantFrom('change', 'leave out', 'double'), (word, place, how) => {
        const at = place % word.length
        const middle = { change: 'q', 'leave out': '', double: `${word[at]}${word[at]}` }[how] ?? ''
        expect(nearest(word.slice(0, at) + middle + word.slice(at + 1), long)).toBe(word)
      }),
    )
  })
})
