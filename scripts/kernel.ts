/** `npm run kernel`: compiles kernel/crc64.ts into src/ltx/kernel-bytes.ts. The compiler is installed beside its source: npm ci --prefix kernel. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
export const compiler = join(root, 'kernel/node_modules/assemblyscript/bin/asc.js')
export const kernelBytesPath = join(root, 'src/ltx/kernel-bytes.ts')

/** The text of src/ltx/kernel-bytes.ts. Throws what the compiler says. */
export function kernelSource(): string {
  const folder = mkdtempSync(join(tmpdir(), 'genesis-dr-kernel-'))
  const out = join(folder, 'kernel.wasm')
  try {
    const how = ['-O3', '--converge', '--noAssert', '--runtime', 'stub', '--enable', 'simd', '--initialMemory', '2', '--maximumMemory', '2']
    execFileSync(process.execPath, [compiler, 'crc64.ts', '--outFile', out, ...how], { cwd: join(root, 'kernel'), encoding: 'utf8' })
    const text = readFileSync(out).toString('base64')
    const lines = text.match(/.{1,128}/g) ?? []
    return [
      '/** kernel/crc64.ts as WebAssembly, in base64. Made by `npm run kernel`, and a test makes it anew. */',
      'export const kernelBytes = [',
      ...lines.map((line) => `  '${line}',`),
      "].join('')",
      '',
    ].join('\n')
  } finally {
    rmSync(folder, { recursive: true })
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(kernelBytesPath, kernelSource())
