/** What a call of the file system is called in a list of crash points: which call, and of what, without what chance put into the name. Pure. */

/** null: the call is about nothing below `folder`, or about a file that only names the process. */
export function describeCall(folder: string): (call: string, path: unknown) => string | null {
  return (call, path) => {
    if (typeof path !== 'string' || !path.startsWith(`${folder}/`)) return null
    const below = path
      .slice(folder.length + 1)
      .replace(/\.\d+-[0-9a-f]+\.tmp$/, '.tmp')
      .replace(/[0-9a-f]{16}-[0-9a-f]{16}/, 'N-N')
    return `${call} ${below}`
  }
}
