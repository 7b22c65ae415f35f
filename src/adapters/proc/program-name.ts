/**
 * What may be shown of a command: the program, and behind an interpreter the script. Nothing else of the arguments, which hold keys and
 * passwords often enough, and what we show goes into journals, logs and reports. Pure.
 */

const interpreters = /^(python|pypy|node|nodejs|deno|bun|ruby|perl|php|lua|julia|java|Rscript|sh|bash|dash|zsh)[\d.]*$/
/** Options of interpreters whose value is the next word. */
const withValue = ['-W', '-X', '-r', '-C', '-I', '--require', '--import', '--loader', '--conditions', '--env-file', '-cp', '-classpath']
/** The next word is the program itself. */
const inlineProgram = /^(-[a-zA-Z]*[ceEp]|--eval|--print|-c.*)$/

/** `words` as /proc shows them or a configuration says them. '' for none. */
export function programName(words: readonly string[]): string {
  // A process that gives itself a title shows all of it as its first word; a login shell shows a dash.
  const program = lastPart((words[0] ?? '').split(' ')[0] ?? '').replace(/^-/, '')
  const script = interpreters.test(program) ? scriptOf(words.slice(1)) : null
  return script === null ? program : `${program} ${script}`
}

function scriptOf(words: readonly string[]): string | null {
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? ''
    if (word === '-m') return named('-m ', words[at + 1])
    if (inlineProgram.test(word)) return null
    if (withValue.includes(word)) at++
    else if (!word.startsWith('-')) return named('', word)
  }
  return null
}

/** Only what can be the name of a file or of a module. */
function named(before: string, word = ''): string | null {
  const name = lastPart(word)
  return /^[\w.@-]+$/.test(name) ? `${before}${name}` : null
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
