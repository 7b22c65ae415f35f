/**
 * The life signs of a capture as bytes on a pipe to whoever supervises it. Each is one synchronous write, so that it has left this process
 * when the next call begins, whatever blocks or suspends us then.
 */
import { writeSync } from 'node:fs'
import type { CaptureSign, CaptureWatch } from '../../ports/capture-watch.ts'
import { codeOf } from '../filesystem/durable.ts'

/** The descriptor of the pipe, in the process that is watched. */
const watchDescriptor = 3

const bytes: Readonly<Record<CaptureSign, string>> = {
  beat: '.',
  'lock-wanted': 'L',
  'lock-released': 'l',
  'work-begun': 'W',
  'work-ended': 'w',
}

/** Chosen: a fifth of the patience for silence; more would only wake the other end. */
export const beatEveryMs = 2000

/** Writes to `watchDescriptor`, which must be that pipe. */
export function watchPipe(): CaptureWatch {
  let noBeatBeforeMs = -Infinity
  return {
    tell: (sign) => {
      const now = performance.now()
      if (sign === 'beat' && now < noBeatBeforeMs) return
      noBeatBeforeMs = now + beatEveryMs
      try {
        writeSync(watchDescriptor, bytes[sign])
      } catch (error) {
        // The other end is gone, and we are about to hear so on our leash.
        if (codeOf(error) !== 'EPIPE') throw error
      }
    },
  }
}

/** The signs that `read` holds, oldest first; what is none is left out. */
export function signsIn(read: Uint8Array): readonly CaptureSign[] {
  return [...read].flatMap((byte) => signs.get(String.fromCharCode(byte)) ?? [])
}

const signs: ReadonlyMap<string, CaptureSign> = new Map(
  (['beat', 'lock-wanted', 'lock-released', 'work-begun', 'work-ended'] as const).map((sign) => [bytes[sign], sign]),
)
