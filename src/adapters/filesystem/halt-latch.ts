/**
 * The halt latch as a file: its existence stops the bot, its content only says who holds it and why. So a latch that is cut short or
 * unreadable stands all the same, held by `unknown`, and a unit file can ask for it with nothing but a path.
 */
import { constants } from 'node:fs'
import { open, readFile, truncate } from 'node:fs/promises'
import { dirname } from 'node:path'
import { isDrError } from '../../errors.ts'
import { isPerson, unknownHolder } from '../../latch-holder.ts'
import type { HaltLatch, LatchFacts } from '../../ports/halt-latch.ts'
import { codeOf, createFile, diskError, makeFolder, removeIfThere, syncFolder } from './durable.ts'
import { leaveToFolder } from './folder-owner.ts'
import { writeStateFile } from './state-file.ts'

/** Everybody may see that the bot is to stay stopped, and why. */
const latchMode = 0o644

export function haltLatchAt(path: string): HaltLatch {
  return {
    read: () => readLatch(path),
    set: async (facts) => {
      await setLatch(path, facts)
      if (isPerson(facts.holder)) await takeFromRun(path, facts)
      return (await readLatch(path)) ?? facts
    },
    release: async (holder, seen) => {
      const standing = await readLatch(path)
      if (standing === null) return 'absent'
      const isSeen = standing.holder === seen.holder && standing.setAtMs === seen.setAtMs
      const holds = standing.holder === holder && holder !== unknownHolder
      if (!(isPerson(holder) ? isSeen : holds)) return 'other'
      await guarded(`remove the halt latch ${path}`, () => removeLatch(path))
      return 'released'
    },
  }
}

async function setLatch(path: string, facts: LatchFacts): Promise<void> {
  const bytes = new TextEncoder().encode(`${JSON.stringify(facts, null, 2)}\n`)
  try {
    await guarded(`set the halt latch ${path}`, async () => {
      await makeFolder(dirname(path))
      await createFile(path, (file) => file.writeFile(bytes), latchMode)
    })
  } catch (error) {
    if (!isDrError(error, 'DISK_FULL')) throw error
    // A full disk often has room for a name where it has none for content, and the name is what stops the bot.
    await guarded(`set an empty halt latch ${path}`, () => createEmpty(path))
  }
}

/** If we die here: the former latch stands, or this one, and never none. */
async function takeFromRun(path: string, facts: LatchFacts): Promise<void> {
  const standing = await readLatch(path)
  if (standing === null || isPerson(standing.holder)) return
  try {
    await writeStateFile(path, facts, latchMode)
  } catch (error) {
    if (!isDrError(error, 'DISK_FULL')) throw error
    // What says nothing is held by nobody known, and only a person removes that.
    await guarded(`empty the halt latch ${path}`, () => truncate(path, 0))
  }
}

async function createEmpty(path: string): Promise<void> {
  try {
    const file = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, latchMode)
    leaveToFolder(file.fd, path)
    await file.close()
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
  }
  await syncFolder(dirname(path))
}

/** Never throws: what cannot be looked at counts as a standing latch, because a bot that waits costs less than two that trade. */
async function readLatch(path: string): Promise<LatchFacts | null> {
  try {
    return decodeLatch(await readFile(path, 'utf8'))
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    return unreadable(`cannot be read (${codeOf(error)})`)
  }
}

function unreadable(because: string): LatchFacts {
  return { holder: unknownHolder, reason: `a latch stands that ${because}`, setAtMs: 0 }
}

function decodeLatch(text: string): LatchFacts {
  const value = parse(text)
  if (typeof value === 'object' && value !== null && 'holder' in value && 'reason' in value && 'setAtMs' in value) {
    const { holder, reason, setAtMs } = value
    if (typeof holder === 'string' && typeof reason === 'string' && typeof setAtMs === 'number') return { holder, reason, setAtMs }
  }
  return unreadable(text === '' ? 'says nothing, as after a full disk' : 'is cut short or not ours')
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}

/** If we die here: the latch may come back after a power failure, which errs on the side of not trading. */
async function removeLatch(path: string): Promise<void> {
  await removeIfThere(path)
  await syncFolder(dirname(path))
}

async function guarded<T>(doing: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    throw diskError(error, doing, 'The bot was neither stopped nor started by this.')
  }
}
