/** How a capture goes on, by what is proven: what proves most is asked first. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decideResume, equalShareBound, type ResumeFacts } from './resume.ts'

const facts: ResumeFacts = {
  last: { txid: 10, rolling: 111n },
  lastFrameInLog: false,
  rolling: 222n,
  ancestor: null,
  bound: false,
  equalShare: null,
  takeOver: false,
  otherPath: null,
  broken: null,
}
const older = { txid: 7, proof: 'content' } as const
const decide = (over: Partial<ResumeFacts>) => decideResume({ ...facts, ...over })

describe('a capture meets a database', () => {
  it.each<[string, Partial<ResumeFacts>, string, string]>([
    ['the replica holds nothing', { last: null }, 'begin', 'the replica holds nothing yet'],
    [
      'the last published frame is in the log',
      { lastFrameInLog: true },
      'continue',
      'the last frame of restore point 000000000000000a is still in the log',
    ],
    ['its content is that of the newest point', { rolling: 111n }, 'adopt', 'the database equals restore point 000000000000000a'],
    [
      'its content is that of an older point',
      { ancestor: older },
      'fork',
      'the database equals the older restore point 0000000000000007, and the replica goes on to 000000000000000a',
    ],
    [
      'it is the file that was known',
      { bound: true, equalShare: 0.5 },
      'diff',
      'the log went on unseen after restore point 000000000000000a, in the same file',
    ],
    [
      'it is the file that was known, and all of it is new',
      { bound: true, equalShare: 0 },
      'diff',
      'the log went on unseen after restore point 000000000000000a, in the same file',
    ],
    [
      'it is the file that was known, and what its pages were cannot be told',
      { bound: true, equalShare: null },
      'snapshot',
      'the log went on unseen after restore point 000000000000000a, in the same file',
    ],
    [
      'half of its pages are known, and a person takes over',
      { equalShare: 0.5, takeOver: true },
      'take-over',
      '50 % of the pages equal restore point 000000000000000a',
    ],
    [
      'most of its pages are known, and nobody takes over',
      { equalShare: 0.999 },
      'refuse',
      '99 % of the pages equal restore point 000000000000000a, but nothing proves that it is the same database',
    ],
    [
      'few of its pages are known',
      { equalShare: 0.49, takeOver: true },
      'refuse',
      'the database shares 49 % of its pages with restore point 000000000000000a',
    ],
    ['nothing of it is known', { takeOver: true }, 'refuse', 'the database shares nothing known with restore point 000000000000000a'],
  ])('%s -> the decision, with its reason', (_, over, decision, because) => {
    expect(decide(over)).toMatchObject({ do: decision, because })
  })

  it.each([
    ['equals', 'content'],
    ['is by its log what came right after', 'log'],
    ['is by its pages what came right after', 'pages'],
    ['may have gone back in time with what is kept beside it, which is of', 'kept'],
  ] as const)('it %s an older point -> the fork is at that point, with how that is known', (how, proof) => {
    const because = `the database ${how} the older restore point 0000000000000007, and the replica goes on to 000000000000000a`
    expect(decide({ ancestor: { txid: 7, proof }, bound: true })).toEqual({ do: 'fork', txid: 7, because })
  })

  it('the files of the replica note no checksum -> equal content is never taken from it', () => {
    expect(decide({ last: { txid: 10, rolling: null } }).do).toBe('refuse')
    expect(decide({ last: { txid: 10, rolling: null }, bound: true }).do).toBe('snapshot')
  })
})

describe('a copy at another path than the one that the timeline was begun for', () => {
  const elsewhere = { otherPath: '/srv/bot.db' }
  it.each<[string, Partial<ResumeFacts>]>([
    ['its last frame is in the log too', { lastFrameInLog: true }],
    ['it equals the newest point', { rolling: 111n }],
    ['it equals an older point', { ancestor: older }],
  ])('%s -> refused, because the other may still trade; with the word a new timeline', (_, over) => {
    const refused = decide({ ...elsewhere, ...over })
    expect(refused).toMatchObject({ do: 'refuse', because: expect.stringContaining('/srv/bot.db') })
    const taken = decide({ ...elsewhere, ...over, takeOver: true })
    expect(['fork', 'take-over']).toContain(taken.do)
  })

  it('it is the file that was known, moved -> as if it had not been', () => {
    expect(decide({ ...elsewhere, bound: true, lastFrameInLog: true }).do).toBe('continue')
  })

  it('it shares nothing -> refused, whatever is said', () => {
    expect(decide({ ...elsewhere, equalShare: 0.1, takeOver: true }).do).toBe('refuse')
  })
})

describe('any facts at all', () => {
  const anyFacts: fc.Arbitrary<ResumeFacts> = fc.record({
    last: fc.option(fc.record({ txid: fc.integer({ min: 1, max: 99 }), rolling: fc.option(fc.constantFrom(1n, 2n)) })),
    lastFrameInLog: fc.boolean(),
    rolling: fc.constantFrom(1n, 2n),
    ancestor: fc.option(fc.record({ txid: fc.integer({ min: 1, max: 99 }), proof: fc.constantFrom('content', 'log', 'pages', 'kept') })),
    bound: fc.boolean(),
    equalShare: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
    takeOver: fc.boolean(),
    otherPath: fc.constant(null),
    broken: fc.constant(null),
  })

  it('the files of the replica are broken -> the database goes into a snapshot, and nothing is added to them', () => {
    fc.assert(
      fc.property(anyFacts, (given) => {
        const whole = decideResume(given)
        const broken = decideResume({ ...given, broken: 'a file is missing' })
        if (!['continue', 'adopt', 'diff', 'snapshot'].includes(whole.do)) expect(broken.do).toBe(whole.do)
        else expect(broken).toEqual({ do: 'snapshot', because: `a file is missing; ${whole.because}` })
      }),
    )
  })

  it('the first proof that holds decides, in this order', () => {
    fc.assert(
      fc.property(anyFacts, (given) => {
        const proofs: readonly (readonly [boolean, string])[] = [
          [given.last === null, 'begin'],
          [given.lastFrameInLog, 'continue'],
          [given.last?.rolling === given.rolling, 'adopt'],
          [given.ancestor !== null, 'fork'],
          [given.bound && given.equalShare !== null, 'diff'],
          [given.bound, 'snapshot'],
          [given.takeOver && (given.equalShare ?? 0) >= equalShareBound, 'take-over'],
          [true, 'refuse'],
        ]
        expect(decideResume(given).do).toBe(proofs.find(([holds]) => holds)?.[1])
      }),
      { numRuns: 500 },
    )
  })

  it('nothing is proven -> a replica that holds something is never written', () => {
    fc.assert(
      fc.property(anyFacts, (given) => {
        const unproven = {
          ...given,
          last: { txid: 10, rolling: 3n },
          lastFrameInLog: false,
          ancestor: null,
          bound: false,
          takeOver: false,
        }
        expect(decideResume(unproven).do).toBe('refuse')
      }),
    )
  })
})
