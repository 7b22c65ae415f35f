import { describe, expect, it } from 'vitest'
import { decodeWitness, encodeWitness } from './witness.ts'

const life = { life: 'a1b2', pid: 7, atMs: 1, seq: 0, eventSeq: 0 }
const commit = { seq: 1, atMs: 2, orderId: 'a1b2-1', eventSeq: 2 }

describe('the witness of the drill bot', () => {
  it('two lives -> both, and all commits in order', () => {
    const text = [life, commit, { ...life, life: 'c3d4', seq: 1 }, { ...commit, seq: 2, orderId: 'c3d4-2' }].map(encodeWitness).join('')
    const witness = decodeWitness(text)
    expect(witness.lives.map((each) => each.life)).toEqual(['a1b2', 'c3d4'])
    expect(witness.commits.map((each) => each.orderId)).toEqual(['a1b2-1', 'c3d4-2'])
  })

  it('the bot was killed while it wrote a line -> that line does not count', () => {
    const text = encodeWitness(commit)
    expect(decodeWitness(text + text.slice(0, -1)).commits).toEqual([commit])
    expect(decodeWitness('')).toEqual({ lives: [], commits: [] })
  })
})
