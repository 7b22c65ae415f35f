/** Looks for Compose files in folders and above them, and for services in them whose volume holds a file. */
import { readFileSync, realpathSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { sentenceOf } from '../../errors.ts'
import type { Caretakers, ContainerService } from '../../ports/caretakers.ts'
import { codeOf } from '../filesystem/durable.ts'
import { servicesHolding } from './compose-file.ts'

/** In the order in which `docker compose` itself looks for them. */
const names = ['compose.yaml', 'compose.yml', 'docker-compose.yaml', 'docker-compose.yml']

export const composeSearch: Caretakers['containers'] = async (database, folders) => {
  const found: ContainerService[] = []
  const said: string[] = []
  for (const folder of new Set(folders.flatMap(withParents))) {
    const read = firstFile(folder)
    if (read === null) continue
    if ('trouble' in read) {
      said.push(read.trouble)
      continue
    }
    const services = servicesHolding(read.text, database, (path) => realPath(resolve(folder, path)))
    if (services === null) {
      said.push(`${read.path} is not a Compose file that can be read`)
      continue
    }
    const { holding, unclear } = services
    found.push(...holding.map((one) => ({ ...one, file: read.path })))
    if (holding.length > 0) continue
    const rest = unclear.map(({ service, volume }) => `; whether ${volume} of ${service} does cannot be told`).join('')
    said.push(`no service of ${read.path} has a volume that is known to hold it${rest}`)
  }
  return { found, because: said.length === 0 && found.length === 0 ? 'there is no Compose file in its folder or above' : said.join('; ') }
}

function withParents(folder: string): readonly string[] {
  const parent = dirname(folder)
  return parent === folder ? [folder] : [folder, ...withParents(parent)]
}

function firstFile(folder: string): { readonly path: string; readonly text: string } | { readonly trouble: string } | null {
  for (const name of names) {
    const path = join(folder, name)
    try {
      return { path, text: readFileSync(path, 'utf8') }
    } catch (error) {
      if (!['ENOENT', 'ENOTDIR', 'EISDIR'].includes(codeOf(error))) return { trouble: `${path} could not be read: ${sentenceOf(error)}` }
    }
  }
  return null
}

/** The database is known without symbolic links, so the volume has to be too. */
function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP'].includes(codeOf(error))) return path
    throw error
  }
}
