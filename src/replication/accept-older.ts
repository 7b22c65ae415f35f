/** A person says that the database is to go on without what the replica has beyond it. */
import { DrError } from '../errors.ts'
import type { CaptureState, OlderDatabase } from '../ports/capture-state.ts'

/**
 * It is no longer told. Nothing of the replica is deleted: the timeline stays reachable by its number.
 * If we die here: it is told or it is not. Safe to repeat: no, the second time there is nothing to accept, and it says so.
 * @throws POINT_NOT_FOUND when nothing is told of that timeline
 */
export async function acceptOlder(state: CaptureState, timeline: string): Promise<OlderDatabase> {
  const binding = await state.read()
  const known = binding?.older ?? []
  const older = known.findLast((one) => one.timeline === timeline)
  if (binding === null || older === undefined) {
    throw new DrError('POINT_NOT_FOUND', {
      what:
        known.length === 0
          ? 'no database is known to be older than its replica here'
          : `the database parted from timeline ${known.map((one) => one.timeline).join(', ')}, not ${timeline}`,
      untouched: 'Nothing was changed.',
      next: 'Look at genesis-dr status.',
    })
  }
  await state.write({ ...binding, older: known.filter((one) => one !== older) })
  return older
}
