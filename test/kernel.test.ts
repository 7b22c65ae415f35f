/** The kernel is what its source says. */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { kernelBytesPath, kernelSource } from '../scripts/kernel.ts'
import { describeWith, kernelCompiler } from './needs.ts'

describeWith([kernelCompiler], 'src/ltx/kernel-bytes.ts', () => {
  it('kernel/crc64.ts is compiled anew -> the same, byte for byte', () => {
    expect(kernelSource()).toBe(readFileSync(kernelBytesPath, 'utf8'))
  })
})
