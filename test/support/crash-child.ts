/**
 * The capture as it is, each of whose calls that changes something is a point with a name: those of the file system (below the folder of the
 * test, from the moment on at which the file GENESIS_TEST_ARMED is there), and those of SQLite's locks. GENESIS_TEST_STOPS says at which it
 * is to suspend itself, once each; a line on stdout tells of it. At `told` every point is a line. Who started it decides whether it goes on.
 */
import fs from 'node:fs'
import promises, { type FileHandle } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import type { CaptureSign } from '../../src/ports/capture-watch.ts'
import { describeCall } from './crash-names.ts'

const folder = process.env['GENESIS_TEST_FOLDER'] ?? ''
const armed = join(folder, 'armed')
const { told, stops }: { readonly told: boolean; readonly stops: readonly string[] } = JSON.parse(
  process.env['GENESIS_TEST_STOPS'] ?? '{"told":true,"stops":[]}',
)
const left = new Set(stops)
const times = new Map<string, number>()
/** What the supervisor was told last of the write lock. */
let locking = false
const { existsSync, writeSync } = fs

function passing(moment: string): void {
  if (!existsSync(armed)) return
  const time = (times.get(moment) ?? 0) + 1
  times.set(moment, time)
  const point = `${moment} #${time}`
  const stop = left.delete(point)
  if (!told && !stop) return
  writeSync(1, `${JSON.stringify({ type: 'point', point, locking, stop })}\n`)
  if (stop) process.kill(process.pid, 'SIGSTOP')
}

/** `call`, and a point before and after it; null: this one is none. */
function pointed<Args extends readonly unknown[], Value>(
  call: (...args: Args) => Value,
  nameOf: (...args: Args) => string | null,
): (...args: Args) => Value {
  return function (this: unknown, ...args: Args): Value {
    const name = nameOf(...args)
    if (name === null) return Reflect.apply(call, this, args)
    passing(`before ${name}`)
    const value: unknown = Reflect.apply(call, this, args)
    const ended = <T>(result: T): T => {
      passing(`after ${name}`)
      return result
    }
    return (value instanceof Promise ? value.then(ended) : ended(value)) as Value
  }
}

type Call = (...args: readonly unknown[]) => unknown
const of = describeCall(folder)
const creates = (flags: unknown): boolean => typeof flags === 'number' && (flags & fs.constants.O_CREAT) !== 0

/** Path of each open file that counts. */
const handles = new WeakMap<object, string>()
const descriptors = new Map<unknown, string>()

function patch(target: object, name: string, nameOf: (...args: readonly unknown[]) => string | null): void {
  Reflect.set(target, name, pointed(Reflect.get(target, name) as Call, nameOf))
}

async function patchFileSystem(): Promise<void> {
  const probe = await promises.open('/', 'r')
  const prototype: object = Object.getPrototypeOf(probe)
  await probe.close()
  for (const name of ['writeFile', 'utimes', 'datasync', 'sync']) {
    const call = Reflect.get(prototype, name) as Call
    Reflect.set(prototype, name, function (this: object, ...args: readonly unknown[]) {
      const path = handles.get(this)
      return Reflect.apply(path === undefined ? call : pointed(call, () => of(name, path)), this, args)
    })
  }
  for (const name of ['link', 'rename']) patch(promises, name, (_from, to) => of(name, to))
  for (const name of ['unlink', 'mkdir', 'rm', 'chmod']) patch(promises, name, (path) => of(name, path))
  patch(promises, 'open', (path, flags) => (creates(flags) ? of('create', path) : null))
  const open = promises.open as unknown as (...args: readonly unknown[]) => Promise<FileHandle>
  Reflect.set(promises, 'open', async (...args: readonly unknown[]) => {
    const handle = await open(...args)
    if (of('open', args[0]) !== null) handles.set(handle, String(args[0]))
    return handle
  })
  patch(fs, 'openSync', (path, flags) => (creates(flags) ? of('create', path) : null))
  const openSync = fs.openSync as Call
  Reflect.set(fs, 'openSync', (...args: readonly unknown[]) => {
    const descriptor = openSync(...args)
    if (of('open', args[0]) === null) descriptors.delete(descriptor)
    else descriptors.set(descriptor, String(args[0]))
    return descriptor
  })
  const at = (name: string) => (descriptor: unknown) => of(name, descriptors.get(descriptor))
  for (const [name, as] of [
    ['writeSync', 'write'],
    ['fdatasyncSync', 'datasync'],
    ['closeSync', 'close'],
  ] as const)
    patch(fs, name, at(as))
  patch(fs, 'writeFileSync', (path) => of('writeFile', path))
  syncBuiltinESMExports()
}

const changing: readonly string[] = ['pin', 'unpin', 'lockWriters', 'unlockWriters', 'checkpoint']

/** Looks are no points: they leave nothing behind. */
function locksPointed<Port extends object>(port: Port): Port {
  return new Proxy(port, {
    get: (target, key) => {
      const method: unknown = Reflect.get(target, key)
      if (typeof method !== 'function' || !changing.includes(String(key))) return method
      return pointed(
        (...args: readonly unknown[]) => Reflect.apply(method, target, args),
        (slot) => `locks.${String(key)}${slot ?? ''}`,
      )
    },
  })
}

await patchFileSystem()
const { runCapture } = await import('../../src/capture-program.ts')
await runCapture({
  leash: 'stdin',
  takeOver: false,
  watch: {
    tell: (sign: CaptureSign) => {
      if (sign === 'lock-wanted') locking = true
      if (sign === 'lock-released') locking = false
    },
  },
  around: {
    store: (store) => store,
    database: (open) => () => {
      const database = pointed(open, () => 'database.open')()
      return {
        ...database,
        locks: locksPointed(database.locks),
        close: pointed(
          () => database.close(),
          () => 'database.close',
        ),
      }
    },
  },
})
