/** Journals in files keep what they promise, among processes and on a disk that is full. */
import { mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { journalStoreContract } from '../../../test/contract/journal-store.ts'
import { children } from '../../../test/hosts/children.ts'
import { describeWith, linuxProc } from '../../../test/needs.ts'
import type { JournalStore } from '../../ports/journal-store.ts'
import { journalStoreIn } from './journal-store.ts'

const root = mkdtempSync(join(tmpdir(), 'journal-store-'))
afterAll(() => rmSync(root, { recursive: true }))

const module = new URL('./journal-store.ts', import.meta.url).href
const record = new TextEncoder().encode('record\n')
let serial = 0
const freshFolder = (): string => join(root, `${serial++}`, 'journal')

describe('journals in files', () => {
  const start = children()
  const folders = new Map<JournalStore, string>()
  const at = (folder: string): JournalStore => {
    const store = journalStoreIn(folder)
    folders.set(store, folder)
    return store
  }
  journalStoreContract({
    empty: () => at(freshFolder()),
    again: (store) => at(folders.get(store) ?? ''),
    lockElsewhere: async (store) => {
      const program = `const { journalStoreIn } = await import(${JSON.stringify(module)})
        const lock = await journalStoreIn(${JSON.stringify(folders.get(store))}).lock()
        console.log(lock === null ? 'refused' : 'held')
        setInterval(() => lock, 1e6)`
      const holder = start(process.execPath, ['--input-type=module', '-e', program])
      await holder.line(/held/)
      return { die: async () => void (await holder.end('SIGKILL')) }
    },
    histories: 15,
  })

  it('a journal is made -> only its owner may read it: reasons and paths are for nobody else', async () => {
    const folder = freshFolder()
    await journalStoreIn(folder).append('run-1', record)
    expect(statSync(join(folder, 'run-1.jsonl')).mode & 0o777).toBe(0o600)
    expect(readdirSync(folder)).toEqual(['run-1.jsonl'])
  })

  it('other files lie beside the journals -> they are no runs', async () => {
    const folder = freshFolder()
    const store = journalStoreIn(folder)
    await store.append('run-1', record)
    const lock = await store.lock()
    writeFileSync(join(folder, 'notes.txt'), 'mine')
    expect(await store.list()).toEqual(['run-1'])
    await lock?.release()
  })

  it('a file lies where the folder should be -> said, and nothing is taken for an empty history', async () => {
    const folder = join(root, 'a-file')
    writeFileSync(folder, '')
    const store = journalStoreIn(folder)
    await expect(store.list()).rejects.toMatchObject({ code: 'IO_FAILED' })
    await expect(store.read('run-1')).rejects.toMatchObject({ code: 'IO_FAILED' })
    await expect(store.append('run-1', record)).rejects.toMatchObject({ code: 'IO_FAILED' })
  })
})

describeWith([linuxProc], 'journals in files on a full disk', () => {
  it('no space is left for a record -> DISK_FULL, and what it was to announce is not begun', async () => {
    const folder = freshFolder()
    const store = journalStoreIn(folder)
    await store.append('run-0', record)
    symlinkSync('/dev/full', join(folder, 'run-1.jsonl'))
    await expect(store.append('run-1', record)).rejects.toMatchObject({
      code: 'DISK_FULL',
      untouched: 'What the journal was to announce was not begun.',
    })
  })
})
