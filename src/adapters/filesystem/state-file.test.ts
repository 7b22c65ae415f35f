/** What is remembered between two lives is whole, or not there at all; what cannot be read counts as not known. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { captureStateIn } from './capture-state.ts'
import { keptRotIn } from './kept-rot.ts'
import { readStateFile, writeStateFile } from './state-file.ts'
import { verificationLogIn } from './verification-log.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'state-file-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const at = (name: string): string => join(folder, name)

describe('a state file', () => {
  it('none was ever written -> null', async () => {
    expect(await readStateFile(at('absent.json'))).toBeNull()
    expect(await readStateFile(at('no/folder/absent.json'))).toBeNull()
  })

  it('it is written -> read back, readable by its owner only, in a folder that is made, with nothing left beside it', async () => {
    await writeStateFile(at('state/one.json'), { text: 'ünï', number: 1.5, none: null, list: [1, 2] })
    expect(await readStateFile(at('state/one.json'))).toEqual({ text: 'ünï', number: 1.5, none: null, list: [1, 2] })
    expect(statSync(at('state/one.json')).mode & 0o777).toBe(0o600)
    expect(readdirSync(at('state'))).toEqual(['one.json'])
  })

  it('it is written again, shorter -> replaced as a whole', async () => {
    await writeStateFile(at('one.json'), { long: 'x'.repeat(10_000) })
    await writeStateFile(at('one.json'), { short: true })
    expect(await readStateFile(at('one.json'))).toEqual({ short: true })
  })

  it('a process died while it wrote -> the former content stands, and the next write is not hindered', async () => {
    await writeStateFile(at('one.json'), { former: true })
    // Its process id is ours by chance, and so is the number of the write.
    for (let number = 0; number < 50; number++) writeFileSync(at(`one.json.${process.pid}-${number}.tmp`), '{"half of something longer')
    expect(await readStateFile(at('one.json'))).toEqual({ former: true })
    await writeStateFile(at('one.json'), { next: true })
    expect(await readStateFile(at('one.json'))).toEqual({ next: true })
  })

  it('two writes at once -> both end well, and one of them stands, whole', async () => {
    const values = [{ a: 'x'.repeat(10_000) }, { b: 1 }]
    await Promise.all(values.map((value) => writeStateFile(at('one.json'), value)))
    expect(values).toContainEqual(await readStateFile(at('one.json')))
    expect(readdirSync(folder)).toEqual(['one.json'])
  })

  it('its content was cut at any byte -> null, never a part of it', async () => {
    await writeStateFile(at('one.json'), { a: 1, b: { c: [true, 'x'] } })
    const whole = readFileSync(at('one.json'))
    const closing = whole.lastIndexOf('}')
    for (let length = 0; length <= closing; length++) {
      writeFileSync(at('cut.json'), whole.subarray(0, length))
      expect(await readStateFile(at('cut.json')), `cut at ${length}`).toBeNull()
    }
  })

  it.each(['null', '42', '"text"', 'not json', ''])('it says %j -> null', async (content) => {
    writeFileSync(at('one.json'), content)
    expect(await readStateFile(at('one.json'))).toBeNull()
  })

  it('a folder has its name -> said, for reading and for writing', async () => {
    mkdirSync(at('one.json'))
    await expect(readStateFile(at('one.json'))).rejects.toMatchObject({ code: 'IO_FAILED' })
    await expect(writeStateFile(at('one.json'), {})).rejects.toMatchObject({
      code: 'IO_FAILED',
      untouched: 'What stood there before stands.',
    })
  })
})

describe('what a capture remembers', () => {
  const binding = {
    older: [],
    unproven: null,
    path: '/data/bot.db',
    device: 66305,
    inode: 4711,
    bornMs: 1_735_732_800_000.25,
    replica: 'file:/replica',
    timeline: '00000001',
    timelineId: 'a1b2c3d4e5f60718',
    beginning: null,
  }

  it('nothing was written -> nothing is known', async () => {
    expect(await captureStateIn(folder).read()).toBeNull()
  })

  it('it is written -> read back by the next life; written again -> the newer', async () => {
    await captureStateIn(folder).write(binding)
    expect(await captureStateIn(folder).read()).toEqual(binding)
    const newer = { ...binding, timeline: '00000002', beginning: 'b1b2c3d4e5f60718' }
    await captureStateIn(folder).write(newer)
    expect(await captureStateIn(folder).read()).toEqual(newer)
  })

  it('the database was found to be older than the replica -> that is remembered; a word of it that is no good -> forgotten, the rest stands', async () => {
    const older = { replica: 'file:/replica', timeline: '00000001', txid: 7, reachedTxid: 8, atMs: 1_735_732_800_000 }
    await captureStateIn(folder).write({ ...binding, older: [older, older] })
    expect(await captureStateIn(folder).read()).toEqual({ ...binding, older: [older, older] })
    for (const key of Object.keys(older)) {
      writeFileSync(at('capture.json'), JSON.stringify({ ...binding, older: [{ ...older, [key]: null }] }))
      expect(await captureStateIn(folder).read()).toEqual(binding)
    }
  })

  it('pages were published unproven -> that is remembered; a word of it that is no good -> forgotten, the rest stands', async () => {
    const unproven = { pages: 12, txid: 7, atMs: 1_735_732_800_000 }
    await captureStateIn(folder).write({ ...binding, unproven })
    expect(await captureStateIn(folder).read()).toEqual({ ...binding, unproven })
    for (const key of Object.keys(unproven)) {
      writeFileSync(at('capture.json'), JSON.stringify({ ...binding, unproven: { ...unproven, [key]: null } }))
      expect(await captureStateIn(folder).read()).toEqual(binding)
    }
  })

  it.each(Object.keys(binding).filter((key) => !['older', 'beginning', 'unproven'].includes(key)))(
    'it lacks its %s, or has it as another type -> nothing is known of the file',
    async (key) => {
      for (const value of [undefined, null, true]) {
        writeFileSync(at('capture.json'), JSON.stringify({ ...binding, [key]: value }))
        expect(await captureStateIn(folder).read()).toBeNull()
      }
    },
  )
})

describe('the damaged pages that a capture remembers', () => {
  it('none were found -> none; some were -> read back, with what stands there', async () => {
    expect(await keptRotIn(folder).read()).toEqual(new Map())
    const rot = new Map([
      [14, { high: 0xf2345678, low: 0 }],
      [2, { high: 0x80000000, low: 0xffffffff }],
    ])
    await keptRotIn(folder).write(rot)
    expect(await keptRotIn(folder).read()).toEqual(rot)
  })

  it('the file has words that make no sense -> these pages are as any other, the rest stands', async () => {
    const senseless = { 0: [1, 2], x: [1, 2], 3: [1], 4: null, 5: ['1', 2], 6: 7 }
    writeFileSync(at('damaged-pages.json'), JSON.stringify({ ...senseless, 8: [1, 2] }))
    expect(await keptRotIn(folder).read()).toEqual(new Map([[8, { high: 1, low: 2 }]]))
  })
})

describe('what is remembered of the last proof', () => {
  const proof = { replica: 'file:/replica', timeline: '00000001', txid: 17, atMs: 1_735_732_800_000, passed: true, durationMs: 12.5 }

  it('none was ever made -> null; one was -> read back, also of a replica without timelines', async () => {
    const log = verificationLogIn(folder)
    expect(await log.read()).toBeNull()
    for (const one of [proof, { ...proof, timeline: null, passed: false }]) {
      await log.write(one)
      expect(await verificationLogIn(folder).read()).toEqual(one)
    }
  })

  it.each(['replica', 'txid', 'atMs', 'passed', 'durationMs'])('it lacks its %s -> it proves nothing', async (key) => {
    writeFileSync(at('verified.json'), JSON.stringify({ ...proof, [key]: undefined }))
    expect(await verificationLogIn(folder).read()).toBeNull()
  })
})
