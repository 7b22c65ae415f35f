/** A folder as the store of a replica keeps what every store promises, and what only a file system can. */
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { contentOf, objectStoreContract } from '../../../test/contract/object-store.ts'
import { describeWith, linuxProc } from '../../../test/needs.ts'
import type { ObjectStore } from '../../ports/object-store.ts'
import { deviceOf, openFolderStore } from './object-store.ts'

const root = mkdtempSync(join(tmpdir(), 'object-store-'))
afterAll(() => rmSync(root, { recursive: true }))

const content = new TextEncoder().encode('content')
let serial = 0
const freshFolder = (): string => join(root, `${serial++}`, 'replica')

describe('a folder as a store', () => {
  const folders = new Map<ObjectStore, string>()
  const at = async (folder: string): Promise<ObjectStore> => {
    const store = await openFolderStore('file:replica', folder)
    folders.set(store, folder)
    return store
  }
  objectStoreContract({ empty: () => at(freshFolder()), again: (store) => at(folders.get(store) ?? ''), cases: 15 })
})

describe('a folder as a store, on its file system', () => {
  it('the folder is not there yet -> looking makes nothing, and the device is known all the same', async () => {
    const folder = freshFolder()
    const store = await openFolderStore('file:replica', folder)
    expect([await store.list(''), await store.folders('')]).toEqual([[], []])
    expect(existsSync(folder)).toBe(false)
    expect(store.capabilities).toEqual({ conditionalCreate: true, link: 'hard-link', device: statSync(root).dev })
    expect(await deviceOf(join(folder, 'deep', 'er'))).toBe(statSync(root).dev)
  })

  it('a link -> shares the bytes on the disk', async () => {
    const folder = freshFolder()
    const store = await openFolderStore('file:replica', folder)
    await store.create('1/file', content, 0)
    await store.link('1/file', '2/file')
    const [from, to] = [statSync(join(folder, '1/file')), statSync(join(folder, '2/file'))]
    expect([to.ino, to.nlink]).toEqual([from.ino, 2])
  })

  it('a process died while it wrote -> its temporary file is no object, and is in the way of nobody', async () => {
    const folder = freshFolder()
    mkdirSync(join(folder, 'a'), { recursive: true })
    writeFileSync(join(folder, 'a', 'key.4711-0.tmp'), 'half')
    const store = await openFolderStore('file:replica', folder)
    expect(await store.list('')).toEqual([])
    expect(await store.create('a/key', content, 0)).toBe('created')
    expect((await store.list('')).map((object) => object.key)).toEqual(['a/key'])
  })

  it('processes with our very process id died while they wrote it, as in a container -> written all the same, and what they left is gone', async () => {
    const folder = freshFolder()
    mkdirSync(join(folder, 'a'), { recursive: true })
    const gone = spawnSync(process.execPath, ['-e', '']).pid
    for (const name of [`${process.pid}-0`, `${process.pid}-1`, `${process.pid}-00ff`, `${gone}-2`])
      writeFileSync(join(folder, 'a', `key.${name}.tmp`), 'half')
    const others = [`key.${process.ppid}-0.tmp`, `key2.${process.pid}-0.tmp`, 'key.tmp']
    for (const name of others) writeFileSync(join(folder, 'a', name), 'half')
    const store = await openFolderStore('file:replica', folder)
    async function* pieces(): AsyncGenerator<Uint8Array> {
      yield content
      // One is under way, and is not taken for abandoned by another.
      expect(await store.create('a/key', second(), 1)).toBe('created')
    }
    async function* second(): AsyncGenerator<Uint8Array> {
      yield content
    }
    expect(await store.create('a/key', pieces(), 0)).toBe('exists')
    expect(readdirSync(join(folder, 'a')).sort()).toEqual(['key', ...others].sort())
  })

  it('the folder of a timeline vanishes -> nothing of it is made again but by a claim; a level that is new is made', async () => {
    const folder = freshFolder()
    const store = await openFolderStore('file:replica', folder)
    await expect(store.create('00000001/ltx/0/a.ltx', content, 0)).rejects.toMatchObject({ code: 'OBJECT_MISSING' })
    expect(existsSync(folder)).toBe(false)
    await store.create('00000001/timeline.json', content, 0)
    await store.create('00000001/ltx/0/a.ltx', content, 0)
    await store.link('00000001/ltx/0/a.ltx', '00000001/ltx/1/a.ltx')
    renameSync(folder, `${folder}-away`)
    const gone = { code: 'OBJECT_MISSING', message: expect.stringContaining('the timeline is gone from the replica') }
    await expect(store.create('00000001/ltx/0/b.ltx', content, 0)).rejects.toMatchObject(gone)
    await expect(store.link('00000001/ltx/0/a.ltx', '00000001/ltx/9/a.ltx')).rejects.toMatchObject(gone)
    expect(existsSync(folder)).toBe(false)
    renameSync(`${folder}-away`, folder)
    expect(await store.create('00000001/ltx/0/b.ltx', content, 0)).toBe('created')
  })

  it('objects were written, were there, or failed -> no temporary file of ours is left', async () => {
    const folder = freshFolder()
    const store = await openFolderStore('file:replica', folder)
    await store.create('key', content, 0)
    await store.create('key', content, 0)
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield content
      throw new Error('no more')
    }
    await expect(store.create('other', failing(), 0)).rejects.toThrow('no more')
    expect(readdirSync(folder)).toEqual(['key'])
  })

  it('something that is no object lies there -> it is not listed', async () => {
    const folder = freshFolder()
    mkdirSync(join(folder, 'empty'), { recursive: true })
    symlinkSync('/nowhere', join(folder, 'dangling'))
    const store = await openFolderStore('file:replica', folder)
    expect(await store.list('')).toEqual([])
    expect(await store.folders('')).toEqual(['empty'])
  })

  it('a file lies where the folder should be -> said, not taken for an empty replica', async () => {
    const folder = join(root, 'a-file')
    writeFileSync(folder, '')
    const store = await openFolderStore('file:replica', folder)
    await expect(store.list('')).rejects.toMatchObject({ code: 'IO_FAILED', untouched: 'Nothing that is in the replica was changed.' })
    await expect(store.create('key', content, 0)).rejects.toMatchObject({ code: 'IO_FAILED' })
  })

  it('an object may only be read -> it is read', async () => {
    const folder = freshFolder()
    const store = await openFolderStore('file:replica', folder)
    await store.create('key', content, 0)
    chmodSync(join(folder, 'key'), 0o400)
    expect(await contentOf(store, 'key')).toEqual(content)
  })
})

describeWith([linuxProc], 'a folder where none can be made', () => {
  it('a file system that answers ENOENT to that, as /proc does -> an error, and no wait without end', async () => {
    const store = await openFolderStore('file:/proc', '/proc')
    await expect(store.create('00000001/x', new Uint8Array(1), 0)).rejects.toMatchObject({
      message: expect.stringContaining('make the folder'),
    })
  })
})
