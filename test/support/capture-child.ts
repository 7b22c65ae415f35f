/**
 * The capture as the supervisor starts it, which suspends itself (SIGSTOP) at one moment, once in all its lives: GENESIS_TEST_STOP is the
 * moment ("before locks.pin", "after store.create", ...) and how many times it is passed before, GENESIS_TEST_STOPPED a file that is made then.
 */
import { existsSync, writeFileSync } from 'node:fs'
import { watchPipe } from '../../src/adapters/control/watch-pipe.ts'
import { runCapture } from '../../src/capture-program.ts'

const [, moment = '', turns = '0'] = /^(.*) (\d+)$/.exec(process.env['GENESIS_TEST_STOP'] ?? '') ?? []
const marker = process.env['GENESIS_TEST_STOPPED'] ?? ''
let left = Number(turns)
let locked = false

function passing(now: string): void {
  if (now === 'after locks.lockWriters') locked = true
  if (now === 'before locks.unlockWriters') locked = false
  if (now !== moment && !(locked && `${now} in the lock` === moment)) return
  if (left-- > 0 || existsSync(marker)) return
  writeFileSync(marker, now)
  process.kill(process.pid, 'SIGSTOP')
}

/** The port as it is; each call of it is a moment before and a moment after. */
function stopping<Port extends object>(name: string, port: Port): Port {
  return new Proxy(port, {
    get: (target, key) => {
      const method: unknown = Reflect.get(target, key)
      if (typeof method !== 'function') return method
      return (...args: readonly unknown[]) => {
        passing(`before ${name}.${String(key)}`)
        const answer: unknown = Reflect.apply(method, target, args)
        if (String(key) !== 'lockWriters' || answer === true) passing(`after ${name}.${String(key)}`)
        return answer
      }
    },
  })
}

await runCapture({
  leash: 'stdin',
  takeOver: false,
  watch: watchPipe(),
  around: {
    store: (store) => stopping('store', store),
    database: (open) => () => {
      passing('before open')
      const database = open()
      passing('after open')
      return { ...database, locks: stopping('locks', database.locks), bytes: stopping('bytes', database.bytes) }
    },
  },
})
