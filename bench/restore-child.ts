/** One restore as a process of its own, so that time and memory are its own: argv is the replica's folder and the file to make. */
import { readFileSync } from 'node:fs'
import { openFolderStore } from '../src/adapters/filesystem/object-store.ts'
import { outputFiles } from '../src/adapters/filesystem/output-file.ts'
import { newestComplete, readCatalogue } from '../src/replica/catalogue.ts'
import { planRestore } from '../src/replica/plan.ts'
import { restoreFile } from '../src/restore/restore-file.ts'

const [replica = '', path = ''] = process.argv.slice(2)
const store = await openFolderStore(`file:${replica}`, replica)
const timeline = newestComplete(await readCatalogue(store))
const restored = await restoreFile(store, planRestore(timeline.files, 'latest'), outputFiles, path)
const peakKiB = Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1])
process.stdout.write(JSON.stringify({ sizeBytes: restored.sizeBytes, bytesRead: restored.bytesRead, verified: restored.verified, peakKiB }))
