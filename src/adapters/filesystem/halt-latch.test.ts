import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { children } from '../../../test/hosts/children.ts'
import { unshare } from '../../../test/hosts/needs.ts'
import { describeWith } from '../../../test/needs.ts'
import { must } from '../../assert.ts'
import type { LatchFacts } from '../../ports/halt-latch.ts'
import { haltLatchAt } from './halt-latch.ts'

// Real processes on a machine that may be busy.
vi.setConfig({ testTimeout: 30_000 })

const ofRun: LatchFacts = { holder: 'run-1', reason: 'DATABASE_CORRUPTION: integrity check fails', setAtMs: 1_700_000_000_000 }
const ofPerson: LatchFacts = { holder: 'person:ada', reason: 'maintenance', setAtMs: 1_700_000_000_001 }
const module = new URL('./halt-latch.ts', import.meta.url).href

let folder = ''
let path = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'halt-latch-'))
  path = join(folder, 'state', 'halted')
})
afterEach(() => rmSync(folder, { recursive: true }))

describe('the halt latch', () => {
  it('nobody set it -> none stands, and there is nothing to release', async () => {
    const latch = haltLatchAt(path)
    expect(await latch.read()).toBeNull()
    expect(await latch.release('run-1', ofRun)).toBe('absent')
  })

  it('a run sets it -> it stands for everybody, with holder, reason and time, and leaves no other file', async () => {
    expect(await haltLatchAt(path).set(ofRun)).toEqual(ofRun)
    expect(await haltLatchAt(path).read()).toEqual(ofRun)
    expect(readdirSync(join(folder, 'state'))).toEqual(['halted'])
  })

  it('a second holder sets it -> the first one is kept and returned', async () => {
    await haltLatchAt(path).set(ofPerson)
    expect(await haltLatchAt(path).set(ofRun)).toEqual(ofPerson)
    expect(await haltLatchAt(path).read()).toEqual(ofPerson)
  })

  it('a run wants to release the latch of a person, or of another run -> it stays', async () => {
    const latch = haltLatchAt(path)
    await latch.set(ofPerson)
    expect(await latch.release('run-1', ofRun)).toBe('other')
    expect(await latch.read()).toEqual(ofPerson)
  })

  it('a person stops the bot while the latch of a run stands -> it is theirs from then on, and the run does not release it', async () => {
    const latch = haltLatchAt(path)
    await latch.set(ofRun)
    expect(await latch.set(ofPerson)).toEqual(ofPerson)
    expect(readdirSync(join(folder, 'state'))).toEqual(['halted'])
    expect(await latch.release('run-1', ofRun)).toBe('other')
    expect(await latch.set({ ...ofPerson, holder: 'person:grace' })).toEqual(ofPerson)
  })

  it('another latch stands than the one that a person looked at -> it stays', async () => {
    const latch = haltLatchAt(path)
    await latch.set(ofPerson)
    expect(await latch.release('person:grace', ofRun)).toBe('other')
    expect(await latch.read()).toEqual(ofPerson)
  })

  it('its holder, or any person, releases it -> it is gone', async () => {
    const latch = haltLatchAt(path)
    await latch.set(ofRun)
    expect(await latch.release('run-1', ofRun)).toBe('released')
    expect(await latch.read()).toBeNull()
    await latch.set(ofRun)
    expect(await latch.release('person:grace', ofRun)).toBe('released')
    expect(existsSync(path)).toBe(false)
  })

  it.each([
    ['is empty', ''],
    ['was cut short', '{"holder":"run-1","rea'],
    ['is of something else', '[1, 2]'],
    ['lacks its reason', '{"holder":"run-1","setAtMs":1}'],
  ])('the file %s -> it stands, held by unknown, and only a person releases it', async (_, content) => {
    mkdirSync(join(folder, 'state'))
    writeFileSync(path, content)
    const latch = haltLatchAt(path)
    const standing = must(await latch.read(), 'it stands')
    expect(standing).toMatchObject({ holder: 'unknown' })
    expect(await latch.set(ofRun)).toMatchObject({ holder: 'unknown' })
    expect(await latch.release('run-1', ofRun)).toBe('other')
    expect(await latch.release('unknown', standing)).toBe('other')
    expect(readFileSync(path, 'utf8')).toBe(content)
    expect(await latch.release('person:ada', standing)).toBe('released')
  })

  it('something that is no file lies there -> it stands', async () => {
    mkdirSync(path, { recursive: true })
    expect(await haltLatchAt(path).read()).toMatchObject({ holder: 'unknown', reason: 'a latch stands that cannot be read (EISDIR)' })
  })
})

describe('the halt latch, among processes', () => {
  const start = children()
  const script = (body: string): string[] => [
    '--input-type=module',
    '-e',
    `const { haltLatchAt } = await import(${JSON.stringify(module)}); const latch = haltLatchAt(${JSON.stringify(path)})\n${body}`,
  ]

  it('five processes set it at once -> all see the same holder', async () => {
    const racers = Array.from({ length: 5 }, (_, n) =>
      start(
        process.execPath,
        script(`const f = await latch.set({ holder: 'run-${n}', reason: 'race', setAtMs: 1 }); console.log(f.holder)`),
      ),
    )
    const seen = await Promise.all(racers.map((racer) => racer.line(/run-/)))
    expect(new Set(seen).size).toBe(1)
    expect(await haltLatchAt(path).read()).toMatchObject({ holder: seen[0] })
  })

  it('a process is killed again and again while it sets and releases -> the latch is whole or absent, never half', async () => {
    for (let kill = 0; kill < 8; kill++) {
      const churner = start(
        process.execPath,
        script(
          `console.log('go'); for (;;) { await latch.set(${JSON.stringify(ofRun)}); await latch.release('run-1', ${JSON.stringify(ofRun)}) }`,
        ),
      )
      await churner.line(/go/)
      await new Promise((resolve) => setTimeout(resolve, 5 + kill * 3))
      await churner.end('SIGKILL')
      const standing = await haltLatchAt(path).read()
      expect(standing === null || standing.holder === 'run-1').toBe(true)
    }
  })
})

describeWith([unshare], 'the halt latch on a full disk', () => {
  it('no space is left for its content -> an empty latch stands, so that the bot stays stopped', () => {
    const program = `const { haltLatchAt } = await import(${JSON.stringify(module)})
      const { writeFileSync, readFileSync } = await import('node:fs')
      try { writeFileSync('/mnt/filler', new Uint8Array(1 << 20)) } catch {}
      console.log(JSON.stringify(await haltLatchAt('/mnt/halted').set(${JSON.stringify(ofRun)})), readFileSync('/mnt/halted').length)`
    const mount = 'mount -t tmpfs -o size=64k tmpfs /mnt && exec "$0" --input-type=module -e "$1"'
    const ended = spawnSync('unshare', ['--mount', 'sh', '-c', mount, process.execPath, program], { encoding: 'utf8' })
    expect(ended.stderr).toBe('')
    expect(ended.stdout).toMatch(/"holder":"unknown".* 0\n$/)
  })
})

describeWith([unshare], 'the halt latch of a run on a full disk', () => {
  it('a person stops the bot, and there is no room for their name -> it is nobody known any more, so that no run removes it', () => {
    const program = `const { haltLatchAt } = await import(${JSON.stringify(module)})
      const { writeFileSync } = await import('node:fs')
      const latch = haltLatchAt('/mnt/halted')
      await latch.set(${JSON.stringify(ofRun)})
      try { writeFileSync('/mnt/filler', new Uint8Array(1 << 20)) } catch {}
      await latch.set(${JSON.stringify(ofPerson)})
      console.log((await latch.read()).holder, await latch.release('run-1', ${JSON.stringify(ofRun)}))`
    const mount = 'mount -t tmpfs -o size=64k tmpfs /mnt && exec "$0" --input-type=module -e "$1"'
    const ended = spawnSync('unshare', ['--mount', 'sh', '-c', mount, process.execPath, program], { encoding: 'utf8' })
    expect(ended.stderr).toBe('')
    expect(ended.stdout).toMatch(/^(unknown|person:ada) other\n$/)
  })
})
