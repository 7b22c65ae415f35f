/**
 * Puts flushes into the replica, one after the other, each a file that is created only if absent.
 * If we die before `create` resolves: the file is whole or absent, and the next start finds the log's frames still there or takes a
 * snapshot. If it exists already, it is ours when its bytes are ours; otherwise somebody else writes to this timeline, and we stop.
 */
import { DrError, isDrError } from '../errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { ObjectBody, ObjectStore } from '../ports/object-store.ts'
import { readWhole } from '../replica/read-object.ts'

/** Chosen: the pause doubles from 0.1 s to 10 s, so that an outage is noticed in a blink and ridden out without a storm. */
const firstPauseMs = 100
const longestPauseMs = 10_000

/** Resolves when the object is durable. @throws TIMELINE_SEALED when another's file has its name; other kinds as the store throws them. */
export async function publish(store: ObjectStore, key: string, body: ObjectBody, timestampMs: number): Promise<void> {
  if ((await store.create(key, body, timestampMs)) === 'created') return
  if (body instanceof Uint8Array && equal(body, await readWhole(store, key))) return
  throw new DrError('TIMELINE_SEALED', {
    what: `${key} was written by somebody else`,
    untouched: 'Their file stays; what we had to publish is still in the log of the database.',
    next: 'Stop the other capture of this replica, then start this one again; it goes on with a timeline of its own.',
  })
}

/** As `publish`, again and again while the store is away, until it is done or `signal` aborts. `onTrouble` is told each time. */
export function publishPatiently(
  store: ObjectStore,
  clock: Pick<Clock, 'sleep'>,
  object: { readonly key: string; readonly body: Uint8Array; readonly timestampMs: number },
  signal: AbortSignal,
  onTrouble: (error: DrError) => void,
): Promise<void> {
  return patiently(() => publish(store, object.key, object.body, object.timestampMs), clock, signal, onTrouble)
}

/** Work on a store, again and again while the store is away. @throws what only a person can mend, and anything once `signal` aborted */
export async function patiently<T>(
  work: () => Promise<T>,
  clock: Pick<Clock, 'sleep'>,
  signal: AbortSignal,
  onTrouble: (error: DrError) => void,
): Promise<T> {
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    try {
      return await work()
    } catch (error) {
      if (!isDrError(error) || error.kind !== 'unavailable' || signal.aborted) throw error
      onTrouble(error)
      await clock.sleep(pauseMs, signal)
    }
  }
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at])
}
