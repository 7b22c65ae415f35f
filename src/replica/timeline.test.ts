/** The record of a timeline, and the line of its ancestors. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeTimeline, encodeTimeline, lineage, type Timeline } from './timeline.ts'

const hex = (length: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`))
const anyFork = fc.record({ number: hex(8), id: hex(16), forkTxid: fc.integer({ min: 1 }) })
const anyTimeline = fc.record({
  number: hex(8),
  id: hex(16),
  parent: fc.option(anyFork),
  database: fc.option(fc.string()),
  createdAtMs: fc.nat(),
})
const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value))
const sound = { format: 1, number: '00000002', id: 'a1', parent: { number: '00000001', id: 'b2', forkTxid: 7 }, createdAtMs: 5 }

describe('the record of a timeline', () => {
  it('any of them -> read back as it was written', () => {
    fc.assert(
      fc.property(anyTimeline, (timeline) => {
        expect(decodeTimeline('key', encodeTimeline(timeline))).toEqual(timeline)
      }),
    )
  })

  it('it has more than we know -> what we know of it is read', () => {
    expect(decodeTimeline('key', bytes({ ...sound, color: 'red' }))).toMatchObject({ number: '00000002', id: 'a1' })
  })

  it.each<[string, unknown]>([
    ['nothing', ''],
    ['no JSON', '{"number": "0000'],
    ['another kind of JSON', [1, 2]],
    ['no number', { ...sound, number: undefined }],
    ['a number of another form', { ...sound, number: '2' }],
    ['no id', { ...sound, id: undefined }],
    ['no time', { ...sound, createdAtMs: '5' }],
    ['no word about its parent', { ...sound, parent: undefined }],
    ['a parent without its fork', { ...sound, parent: { number: '00000001', id: 'b2' } }],
    ['a parent without its id', { ...sound, parent: { number: '00000001', forkTxid: 7 } }],
  ])('it is %s -> LTX_DAMAGED, with its key', (_, value) => {
    expect(() => decodeTimeline('00000002/timeline.json', bytes(value))).toThrow('00000002/timeline.json is not a timeline record')
  })
})

describe('the ancestors of a timeline', () => {
  const make = (number: string, id: string, parent: Timeline['parent'] = null): Timeline => ({
    number,
    id,
    parent,
    database: null,
    createdAtMs: 0,
  })
  const first = make('00000001', 'a')
  const second = make('00000002', 'b', { number: '00000001', id: 'a', forkTxid: 5 })
  const third = make('00000003', 'c', { number: '00000002', id: 'b', forkTxid: 9 })

  it('each has a parent that is there -> all of them, newest first, whatever the order of the list', () => {
    expect(lineage([first, second, third], third)).toEqual([third, second, first])
    expect(lineage([third, first, second], third)).toEqual([third, second, first])
    expect(lineage([first, second, third], first)).toEqual([first])
  })

  it('a parent is not there -> the line ends before it', () => {
    expect(lineage([first, third], third)).toEqual([third])
  })

  it('another timeline has the number of the parent, but not its id -> it is not the parent', () => {
    expect(lineage([make('00000001', 'other'), second], second)).toEqual([second])
  })

  it('parents and children go round in a circle -> the line ends all the same', () => {
    const one = make('00000001', 'a', { number: '00000002', id: 'b', forkTxid: 1 })
    const two = make('00000002', 'b', { number: '00000001', id: 'a', forkTxid: 1 })
    expect(lineage([one, two], two)).toEqual([two, one])
    const own = make('00000001', 'a', { number: '00000001', id: 'a', forkTxid: 1 })
    expect(lineage([own], own)).toEqual([own])
  })
})
