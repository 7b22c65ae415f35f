/** The capture as a process that another one starts: what it is told by, what it ends with, and what it is made of. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { captureSettingsOf } from '../../src/compose-capture.ts'
import { clear, makeSystem, pause, query, repository, restoreNewest, type TestSystem, until } from '../support/system.ts'

vi.setConfig({ testTimeout: 60_000 })
const entry = join(repository, 'src/entries/capture.ts')

let system: TestSystem
let bot: DatabaseSync
beforeEach(() => {
  system = makeSystem()
  mkdirSync(system.folder, { recursive: true })
  bot = new DatabaseSync(system.database)
  bot.exec('PRAGMA journal_mode = WAL; CREATE TABLE ticks (seq INTEGER PRIMARY KEY)')
})
afterEach(async () => {
  await clear(system)
  bot.close()
})

interface Started {
  readonly process: ChildProcess & { readonly stdin: NodeJS.WritableStream }
  readonly output: () => string
  readonly errors: () => string
}

function start(words: readonly string[], nodeOptions: readonly string[] = []): Started {
  const child = spawn(process.execPath, [...nodeOptions, entry, ...words], { stdio: 'pipe' })
  system.children.add(child)
  let output = ''
  let errors = ''
  child.stdout.on('data', (text: Buffer) => {
    output += text.toString()
  })
  child.stderr.on('data', (text: Buffer) => {
    errors += text.toString()
  })
  return { process: child, output: () => output, errors: () => errors }
}
const ended = async ({ process: child }: Started): Promise<number | null> => {
  await until(() => child.exitCode !== null || child.signalCode !== null, 'the end of the capture')
  return child.exitCode
}
const settings = (): string => {
  return `${JSON.stringify(captureSettingsOf(system.settings))}\n`
}

describe('the capture as a process', () => {
  it('on a leash, and its stdin ends while it follows -> it flushes and ends with 0', async () => {
    const capture = start(['--leash'])
    capture.process.stdin.write(settings())
    await until(() => capture.output().includes('"attached"'), 'the capture follows')
    bot.exec('INSERT INTO ticks VALUES (1)')
    capture.process.stdin.end()
    expect(await ended(capture)).toBe(0)
    expect(query((await restoreNewest(system, 'r.db')).path, 'SELECT count(*) AS n FROM ticks')).toEqual({ n: 1 })
  })

  it('on a leash that ends right behind the settings -> it ends all the same', async () => {
    const capture = start(['--leash'])
    capture.process.stdin.end(settings())
    expect(await ended(capture)).toBe(0)
  })

  it('on no leash -> the end of its stdin is nothing to it, SIGTERM ends it with 0', async () => {
    const capture = start([])
    capture.process.stdin.end(settings())
    await until(() => capture.output().includes('"attached"'), 'the capture follows')
    await pause(300)
    expect(capture.process.exitCode).toBeNull()
    capture.process.kill('SIGTERM')
    expect(await ended(capture)).toBe(0)
  })

  it('it is told nothing -> it ends with 1 and says so', async () => {
    const capture = start([])
    capture.process.stdin.end()
    expect(await ended(capture)).toBe(1)
    expect(capture.errors()).toContain('stdin ended before the line that says what to do')
  })

  it('what it loads -> nothing of services, messages, runbooks and settings files', async () => {
    const program = `import { writeSync } from 'node:fs'
      import { registerHooks } from 'node:module'
      registerHooks({ load: (url, context, next) => { writeSync(2, url + '\\n'); return next(url, context) } })`
    const capture = start([], ['--import', `data:text/javascript,${encodeURIComponent(program)}`])
    capture.process.stdin.end()
    await ended(capture)
    const loaded = capture
      .errors()
      .split('\n')
      .filter((line) => line.startsWith('file:'))
    expect(loaded.some((url) => url.endsWith('src/replication/host.ts'))).toBe(true)
    expect(
      loaded.filter((url) =>
        /node_modules|\/src\/(config|runbook|workflow|restore|status|cli|drill|adapters\/(systemd|webhook|process(?!\/line-program)))\b/.test(
          url,
        ),
      ),
    ).toEqual([])
  })
})
