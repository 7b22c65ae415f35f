/**
 * The kernel as WebAssembly: the same as `extendPlain` of crc64.ts, three times as fast. One instance a process, made when it is first needed;
 * nothing is kept in it between two calls.
 */
import { kernelBytes } from './kernel-bytes.ts'

// What we need of it: the standard types of TypeScript have it for browsers only. `exports`: of kernel/crc64.ts.
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (
    module: object,
  ) => { readonly exports: { readonly memory: { readonly buffer: ArrayBuffer }; extend(at: number, length: number): void } }
}

export interface Kernel {
  /** Low and high half of the register, before and after. */
  readonly register: Uint32Array
  /** Where the bytes are put. */
  readonly room: Uint8Array
  /** Moves the register past the first `length` bytes of the room. */
  extend(length: number): void
}

const roomAt = 64
const roomBytes = 65_536

let made: Kernel | null = null

/** null: this Node runs without WebAssembly (--jitless). */
export function theKernel(): Kernel | null {
  made ??= typeof WebAssembly === 'undefined' ? null : makeKernel()
  return made
}

function makeKernel(): Kernel {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(kernelBytes, 'base64')))
  const { memory, extend } = exports
  return {
    register: new Uint32Array(memory.buffer, 0, 2),
    room: new Uint8Array(memory.buffer, roomAt, roomBytes),
    extend: (length) => extend(roomAt, length),
  }
}
