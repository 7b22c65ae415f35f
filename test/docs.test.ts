/** The pages say what the source says, and every command line in them is one that the program takes. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { stalePages } from '../scripts/docs.ts'
import { commands } from '../src/cli/commands.ts'
import { commonOptions } from '../src/cli/help.ts'
import { flagOf, readOptions } from '../src/cli/options.ts'
import { isErrorCode } from '../src/errors.ts'
import { repository } from './support/system.ts'

const texts = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(repository, 'docs'), { recursive: true, encoding: 'utf8' }).map((name) => `docs/${name}`),
]
  .filter((path) => path.endsWith('.md'))
  .map((path) => ({ path, text: readFileSync(join(repository, path), 'utf8') }))

/** Words of a shell line, quotes and the comment taken away. */
function wordsOf(line: string): readonly string[] {
  return [...line.replace(/\s#\s.*$/, '').matchAll(/"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2] ?? '')
}

describe('the documents', () => {
  it('the generated pages -> as the source makes them (npm run docs)', () => {
    expect(stalePages()).toEqual([])
  })

  const lines = texts.flatMap(({ path, text }) =>
    // Only what stands in blocks of shell lines.
    [
      ...[...text.matchAll(/```(?:bash)?\n([\s\S]*?)```/g)]
        .map((block) => block[1])
        .join('\n')
        .matchAll(/^(?:npx )?genesis-dr [a-z-]+(?: .+)?$/gm),
    ].map((match) => ({ path, line: match[0].replace(/^npx /, '') })),
  )
  it('there are command lines in them', () => {
    expect(lines.length).toBeGreaterThan(20)
  })
  it.each(lines.filter(({ line }) => !line.includes('[')))('$path: $line -> the program takes it', ({ line }) => {
    const [, name = '', ...rest] = wordsOf(line)
    const command = commands.find((one) => one.name === name)
    expect(command?.name).toBe(name)
    if (command === undefined) return
    const options = { ...command.options, ...commonOptions(command) }
    const given: Record<string, string | true> = {}
    for (let at = 0; at < rest.length; at++) {
      const word = rest[at] ?? ''
      if (!word.startsWith('--')) continue
      const [key, option] = Object.entries(options).find(([key]) => flagOf(key) === word) ?? []
      expect([line, key === undefined ? word : 'known']).toEqual([line, 'known'])
      if (key !== undefined) given[key] = option?.value === null ? true : (rest[++at] ?? '')
    }
    expect(() => readOptions(options, given)).not.toThrow()
  })

  it('npm scripts in them, where they stand as code -> are there', () => {
    const { scripts } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8'))
    for (const { path, text } of texts) {
      for (const match of text.matchAll(/(?:^|`)npm (?:run )?(?:-s )?(?:run )?([a-z:]+)/gm)) {
        const name = match[1] ?? ''
        if (!['ci', 'install', 'run', 'i', 'pack'].includes(name))
          expect([path, name, Object.hasOwn(scripts, name)]).toEqual([path, name, true])
      }
    }
  })

  it('error codes in the source -> each is used somewhere', () => {
    const source = readdirSync(join(repository, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts') && path !== 'errors.ts')
      .map((path) => readFileSync(join(repository, 'src', path), 'utf8'))
      .join('\n')
    const codes = [...readFileSync(join(repository, 'docs/errors.md'), 'utf8').matchAll(/^\| `([A-Z_]+)`/gm)].map((match) => match[1] ?? '')
    expect(codes.filter((code) => isErrorCode(code) && !source.includes(`'${code}'`) && code !== 'RUNTIME_TOO_OLD')).toEqual([])
  })
})
