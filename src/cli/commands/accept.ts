/** `accept`: the other way on from a database that is older than its replica; `recover --timeline` is the first. */
import { command, show } from '../command.ts'
import { timelineNumber, usage } from '../options.ts'

export const accept = command({
  name: 'accept',
  summary: 'says that the database goes on without what a timeline has beyond it',
  about:
    'After a loss of power, a snapshot that was rolled back, or an old file in its place, the replica has commits that the database lacks, and status says so until ' +
    'somebody decides: recover --timeline brings them back, this says that they are not wanted. The timeline stays in the replica.',
  changes: 'live',
  options: { timeline: timelineNumber('HEX', 'the timeline that status names') },
  examples: [{ line: 'accept --timeline 00000001', does: 'asks for the name of the system, then says no more of it' }],
  json: '{ timeline, because }',
  confirms: ({ timeline }) => `go on without what timeline ${named(timeline)} has beyond the database`,
  run: async ({ timeline }, world) => {
    const value = await world.parts.accept({ timeline: named(timeline) })
    show(world, value, () => value.because)
    return 0
  },
})

/** @throws USAGE */
function named(timeline: string | null): string {
  if (timeline !== null) return timeline
  throw usage('accept needs the timeline', 'Name the one that genesis-dr status names: accept --timeline 00000001')
}
