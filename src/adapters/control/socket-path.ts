/** Where the control socket of a capture is, within the 107 bytes that a socket path may have. */
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'

const longest = 100

/** `use` is given a path that stands for `<folder>/capture.sock`; the path is good until its promise settles. */
export async function withSocketPath<T>(folder: string, use: (path: string) => Promise<T>): Promise<T> {
  const path = join(folder, 'capture.sock')
  if (Buffer.byteLength(path) <= longest) return use(path)
  // A descriptor of the folder gives it a short name on Linux.
  const descriptor = openSync(folder, 'r')
  try {
    return await use(`/proc/self/fd/${descriptor}/capture.sock`)
  } finally {
    closeSync(descriptor)
  }
}
