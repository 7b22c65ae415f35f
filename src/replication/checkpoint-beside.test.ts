/** When a checkpoint of ours may run beside writers. */
import { expect, it } from 'vitest'
import { checkpointBeside } from './checkpoint-beside.ts'

it.each([
  ['the file lacks frames of the log -> it gets them', { frames: 5, backfilled: 3 }, { frames: 5, backfilled: 5 }],
  [
    'the file has all of the log, which may begin anew at any moment -> none is begun',
    { frames: 5, backfilled: 5 },
    { frames: 5, backfilled: 5 },
  ],
  ['the log is empty -> none is begun', { frames: 0, backfilled: 0 }, { frames: 0, backfilled: 0 }],
])('%s', (_, before, after) => {
  let begun = 0
  const checkpoint = () => {
    begun++
    return { frames: before.frames, backfilled: before.frames }
  }
  expect(checkpointBeside({ walEnd: () => before, checkpoint })).toEqual(after)
  expect(begun).toBe(before.backfilled < before.frames ? 1 : 0)
})
