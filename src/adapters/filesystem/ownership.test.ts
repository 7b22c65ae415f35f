/** Whether what is restored could have the owner of what it replaces: said beforehand, and nothing is left of the trial. */
import { chmodSync, chownSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { children } from '../../../test/hosts/children.ts'
import { setpriv } from '../../../test/hosts/needs.ts'
import { describeWith } from '../../../test/needs.ts'
import { whyNotLike } from './ownership.ts'

let folder = ''
let path = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ownership-'))
  path = join(folder, 'bot.db')
  writeFileSync(path, '')
})
afterEach(() => rmSync(folder, { recursive: true }))

const other = 40_001
const standing = () => {
  const { uid, gid, mode } = statSync(path)
  return { uid, gid, mode }
}

it('our own file -> its place could be taken, and nothing is left of the trial, not even a changed folder', async () => {
  const before = statSync(folder).mtimeMs
  expect(await whyNotLike(path, standing())).toBeNull()
  expect([readdirSync(folder), statSync(folder).mtimeMs]).toEqual([['bot.db'], before])
  expect(await whyNotLike(join(folder, 'absent', 'bot.db'), standing())).toMatch(/^no file can be made in .*: ENOENT/)
})

describeWith([setpriv], 'the file of another user', () => {
  const start = children()
  const asOther = async (...words: readonly string[]) => {
    const module = new URL('./ownership.ts', import.meta.url).href
    const script = `const { whyNotLike } = await import(${JSON.stringify(module)})
      console.log('said: ' + (await whyNotLike(${JSON.stringify(path)}, ${JSON.stringify(standing())})))`
    const child = start('setpriv', [`--reuid=${other}`, ...words, process.execPath, '--input-type=module', '-e', script])
    return child.line(/^said/)
  }
  const alone = [`--regid=${other}`, '--clear-groups']

  it('we are root -> it could be taken', async () => {
    expect(await whyNotLike(path, { uid: other, gid: other, mode: 0o100640 })).toBeNull()
  })

  it.each<[string, { readonly uid: number; readonly gid: number; readonly mode?: number }, readonly string[], RegExp]>([
    ['it is ours, and of our group', { uid: other, gid: other, mode: 0o777 }, alone, /^said: null$/],
    ['it is of a group that we are in', { uid: other, gid: 7 }, ['--regid=40001', '--groups=7'], /^said: null$/],
    ['it is of a group that we are not in', { uid: other, gid: 7 }, alone, /owner 40001, group 7 and mode 644: EPERM/],
    ['it is of somebody else, though we may write it', { uid: 7, gid: other }, alone, /owner 7, group 40001 and mode 644: EPERM/],
    ['no file can be made beside it', { uid: other, gid: other, mode: 0o755 }, alone, /no file can be made in .*: EACCES/],
    ['only its owner may rename it', { uid: 7, gid: other, mode: 0o1777 }, alone, /is sticky, this user \(uid 40001\) cannot rename/],
  ])('%s', async (_, { uid, gid, mode = 0o777 }, words, said) => {
    chmodSync(path, 0o644)
    chownSync(path, uid, gid)
    chmodSync(folder, mode)
    expect(await asOther(...words)).toMatch(said)
    expect(readdirSync(folder)).toEqual(['bot.db'])
  })
})
