/** Replica URLs that name a folder: `file:PATH`, absolute or relative to a base. */
import { isAbsolute, resolve } from 'node:path'

/** null for another kind of URL. `file:./replica`, `file:/var/replica` and `file:///var/replica` name folders. */
export function folderOfUrl(url: string, base: string): string | null {
  if (!url.startsWith('file:')) return null
  const path = url.slice('file:'.length).replace(/^\/\/(?=\/)/, '')
  return isAbsolute(path) ? path : resolve(base, path)
}
