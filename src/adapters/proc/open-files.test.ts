import { chmodSync, closeSync, mkdtempSync, openSync, renameSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { children } from '../../../test/hosts/children.ts'
import { setpriv, unshare } from '../../../test/hosts/needs.ts'
import { describeWith, linuxProc, python } from '../../../test/needs.ts'
import type { FileIdentity } from '../../ports/live-database.ts'
import { openFilesFromProc } from './open-files.ts'

// Real processes on a machine that may be busy.
vi.setConfig({ testTimeout: 30_000 })

const holdOpen = 'exec 3<"$1"; echo open; sleep 60 & wait'
const pythonHold = (rest: string): string =>
  `import sys, time, mmap, threading\nf = open(sys.argv[1], 'rb')\n${rest}\nprint('open', flush=True)\ntime.sleep(60)`

let folder = ''
let path = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'open-files-'))
  chmodSync(folder, 0o755)
  path = join(folder, 'trades.db')
  writeFileSync(path, 'x'.repeat(8192))
})
afterEach(() => rmSync(folder, { recursive: true }))

const identity = (of: string): FileIdentity => {
  const facts = statSync(of)
  return { device: facts.dev, inode: facts.ino }
}
const pidsOf = async (files: readonly FileIdentity[]): Promise<number[]> =>
  (await openFilesFromProc.holders(files)).processes.map((holder) => holder.pid)

describeWith([linuxProc], 'who has a file open', () => {
  const start = children()
  const holder = async (...prefix: string[]) => {
    const [command = 'sh', ...args] = [...prefix, 'sh', '-c', holdOpen, 'holder', path]
    const child = start(command, args)
    await child.line(/open/)
    return child
  }

  it('nobody has it open -> nobody is named', async () => {
    expect(await pidsOf([identity(path)])).toEqual([])
  })

  it('a process and the child that inherited the descriptor -> both, with their programs and without their arguments', async () => {
    const child = await holder()
    const commands = async () => (await openFilesFromProc.holders([identity(path)])).processes.map(({ pid, command }) => [pid, command])
    // The child begins, and becomes its own program, some time after the parent has the file open.
    await expect.poll(commands).toContainEqual([expect.any(Number), 'sleep'])
    const found = await commands()
    expect(found).toHaveLength(2)
    expect(found).toContainEqual([child.pid, 'sh'])
  })

  it('this very process has it open -> it is named too', async () => {
    const descriptor = openSync(path, 'r')
    try {
      expect(await pidsOf([identity(path)])).toEqual([process.pid])
    } finally {
      closeSync(descriptor)
    }
  })

  it('the file is renamed, and then deleted, under its holder -> the holder is still found', async () => {
    const child = await holder()
    const file = identity(path)
    renameSync(path, `${path}.aside`)
    expect(await pidsOf([file])).toContain(child.pid)
    unlinkSync(`${path}.aside`)
    expect(await pidsOf([file])).toContain(child.pid)
  })

  it('another file with the same name is put in its place -> its holder is not taken for a holder of the first', async () => {
    const child = await holder()
    const first = identity(path)
    renameSync(path, `${path}.aside`)
    writeFileSync(path, 'new')
    expect(await pidsOf([identity(path)])).toEqual([])
    expect(await pidsOf([first, identity(path)])).toContain(child.pid)
  })

  it('several files are asked for at once -> holders of any', async () => {
    const other = join(folder, 'other')
    writeFileSync(other, '')
    const child = await holder()
    expect(await pidsOf([identity(other), identity(path)])).toContain(child.pid)
    expect(await pidsOf([identity(other)])).toEqual([])
  })

  it('the holder ends -> it is not named any more', async () => {
    const child = await holder()
    process.kill(-child.pid, 'SIGKILL')
    await child.end()
    await expect.poll(() => pidsOf([identity(path)])).toEqual([])
  })
})

describeWith([linuxProc, python], 'who has a file open in unusual ways', () => {
  const start = children()
  const pythonHolder = async (rest: string) => {
    const child = start('python3', ['-c', pythonHold(rest), path])
    await child.line(/open/)
    return child
  }

  it('a process mapped it and closed the descriptor -> it is found by its mapping', async () => {
    const child = await pythonHolder('m = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)\nf.close()\nimport os\nos.closerange(3, 20)')
    expect(await pidsOf([identity(path)])).toEqual([child.pid])
  })

  it('the first thread of a process has ended and another goes on -> it is found by its threads', async () => {
    const child = await pythonHolder(`import ctypes
def go():
    print('open', flush=True)
    time.sleep(60)
threading.Thread(target=go).start()
ctypes.CDLL(None).syscall(60 if __import__('platform').machine() == 'x86_64' else 93, 0)`)
    await expect.poll(() => pidsOf([identity(path)])).toEqual([child.pid])
  })
})

describeWith([linuxProc, unshare], 'who has a file open, in another mount namespace', () => {
  const start = children()

  it('a process sees the file under another path in a mount namespace of its own -> it is found', async () => {
    const script = `mkdir "${folder}/elsewhere" && mount --bind "${folder}" /mnt && exec 3</mnt/trades.db && echo open && exec sleep 60`
    const child = start('unshare', ['--mount', 'sh', '-c', script])
    await child.line(/open/)
    expect(await pidsOf([identity(path)])).toEqual([child.pid])
  })
})

describeWith([linuxProc, setpriv, unshare, python], 'who has a file open, among users', () => {
  const start = children()
  const nobody = ['--reuid=65534', '--regid=65534', '--clear-groups']
  const surroundings = {
    'a /proc that shows it its own processes only': 'mount -t proc -o hidepid=2 proc /proc',
    'a /proc without locks': 'mount --bind /dev/null /proc/locks',
    'a pid namespace with one other process, of root': `set -- unshare --pid --fork --mount-proc sh -c 'sleep 60 & exec "$@"' alone "$@"`,
    'a /proc that shows it neither': 'mount -t proc -o hidepid=2 proc /proc && mount --bind /dev/null /proc/locks',
  } as const
  /** What an unprivileged process finds, if asked for with another /proc. */
  const asNobody = async (within: keyof typeof surroundings | null = null, file = identity(path)) => {
    const module = new URL('./open-files.ts', import.meta.url).href
    const script = `const { openFilesFromProc } = await import(${JSON.stringify(module)})
      console.log(JSON.stringify(await openFilesFromProc.holders([${JSON.stringify(file)}])))`
    const look = ['setpriv', ...nobody, process.execPath, '--input-type=module', '-e', script]
    const change = within === null ? [] : ['unshare', '--mount', 'sh', '-c', `${surroundings[within]} && exec "$@"`, 'change']
    const [command = '', ...args] = [...change, ...look]
    return JSON.parse(await start(command, args).line(/^\{/))
  }
  const locking = async (file = path) => {
    const lock = "import fcntl\nf = open(sys.argv[1], 'r+b')\nfcntl.lockf(f, fcntl.LOCK_SH | fcntl.LOCK_NB)"
    const child = start('python3', ['-c', pythonHold(lock), file])
    await child.line(/open/)
    return child
  }

  it('another user holds it and we are root -> that process is found', async () => {
    const child = start('setpriv', [...nobody, 'sh', '-c', holdOpen, 'holder', path])
    await child.line(/open/)
    expect(await pidsOf([identity(path)])).toContain(child.pid)
  })

  it('we are not root -> a holder of another user is found by its lock in /proc/locks, and by nothing else', async () => {
    const none = await asNobody()
    expect(none).toMatchObject({ processes: [], complete: true })
    expect(none.because).toMatch(/, \d+ of them by their locks only/)
    const child = await locking()
    expect((await asNobody()).processes).toMatchObject([{ pid: child.pid }])
  })

  it('/proc hides the processes of others -> it is found by its lock all the same', async () => {
    const none = await asNobody('a /proc that shows it its own processes only')
    expect(none).toMatchObject({ processes: [], complete: true })
    expect(none.because).toContain('hidden (hidepid)')
    const child = await locking()
    expect((await asNobody('a /proc that shows it its own processes only')).processes).toMatchObject([{ pid: child.pid }])
  })

  it('nobody at all holds a lock -> that the empty table would show one is proven by a lock of our own', async () => {
    const { because } = await asNobody('a pid namespace with one other process, of root')
    expect(because).not.toContain('/proc/locks')
  })

  it.each([
    ['a /proc without locks', /^\d+ of \d+ processes may not be looked into, and \/proc\/locks shows no lock at all/],
    ['a /proc that shows it neither', /hidden \(hidepid\), may not be looked into, and \/proc\/locks shows no lock at all/],
  ] as const)('%s -> it is not known who holds the file, and that is said', async (within, because) => {
    await locking()
    expect(await asNobody(within)).toMatchObject({ processes: [], complete: false, because: expect.stringMatching(because) })
  })

  it('its file system tells stat another device than the kernel knows it by -> its inode is enough, for those who cannot be looked into', async () => {
    const { inode } = identity(path)
    const elsewhereToo = { device: 0xfffff, inode }
    const child = await locking()
    expect((await asNobody(null, elsewhereToo)).processes).toMatchObject([{ pid: child.pid }])
    expect(await pidsOf([elsewhereToo])).toEqual([])
  })

  it('SQLite itself holds it as another user, in another mount namespace, and reads nothing just now -> it is found by its locks', async () => {
    const database = join(folder, 'bot.db')
    const bot = [
      'import sqlite3, time',
      "bot = sqlite3.connect('/mnt/bot.db')",
      "bot.execute('PRAGMA journal_mode=WAL')",
      "bot.execute('CREATE TABLE t (x)')",
      'bot.commit()',
      "print('open', flush=True)",
      'time.sleep(60)',
    ].join('\n')
    const child = start('unshare', ['--mount', 'sh', '-c', `mount --bind "${folder}" /mnt && exec python3 -c "$0"`, bot])
    await child.line(/open/)
    path = database
    expect(await asNobody()).toMatchObject({ processes: [{ pid: child.pid }], complete: true })
    path = `${database}-shm`
    expect((await asNobody()).processes).toMatchObject([{ pid: child.pid }])
  })
})

describeWith([linuxProc], 'looking for holders', () => {
  const start = children()

  it('among 300 processes -> it takes well under a second of processor time', async () => {
    const crowd = start('sh', ['-c', 'for i in $(seq 300); do sleep 60 & done; echo ready; wait'])
    await crowd.line(/ready/)
    const from = process.cpuUsage()
    await pidsOf([identity(path)])
    // Not by the clock on the wall, which also counts what others do with the processors.
    const { user, system } = process.cpuUsage(from)
    expect((user + system) / 1000).toBeLessThan(500)
  })
})
