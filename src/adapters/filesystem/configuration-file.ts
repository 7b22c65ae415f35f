/** The file of settings, made once and never replaced. */
import { createFile, diskError } from './durable.ts'

/** Others cannot read it, because it may come to hold the address of a webhook. */
const mode = 0o640

/**
 * Made by root it stays root's, because what it says is done as root, and the group `gid` may read it.
 * If we die here: there is the whole file or none. Safe to repeat: yes, by 'exists'.
 */
export async function writeConfiguration(path: string, text: string, gid: number): Promise<'created' | 'exists'> {
  try {
    return await createFile(
      path,
      async (file) => {
        await file.writeFile(text)
        if (process.geteuid?.() === 0) await file.chown(0, gid)
        // The mask of this process may have taken away what the group needs.
        await file.chmod(mode)
      },
      mode,
    )
  } catch (error) {
    throw diskError(error, `write ${path}`, 'Nothing was written.')
  }
}
