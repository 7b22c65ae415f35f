/** CRC-64/ISO against one that goes bit by bit, and against values of Go's hash/crc64. */
import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { crc64 as crc64OfWasm } from 'hash-wasm'
import { describe, expect, it } from 'vitest'
import { checksumFlag, finishPage, pageChecksum } from './checksum.ts'
import { crc64, extend, extendPlain, freshRegister, type Register, resultOf, Shift } from './crc64.ts'

const allOnes = 0xffffffffffffffffn

function bitwise(bytes: Uint8Array): bigint {
  let register = allOnes
  for (const byte of bytes) {
    register ^= BigInt(byte)
    for (let bit = 0; bit < 8; bit++) register = (register & 1n) === 1n ? (register >> 1n) ^ 0xd800000000000000n : register >> 1n
  }
  return register ^ allOnes
}

const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const someBytes = fc.uint8Array({ maxLength: 200 })

describe('CRC-64/ISO', () => {
  it('the check values of the format', () => {
    expect(crc64(text('123456789'))).toBe(0xb90956c775a41001n)
    expect(crc64(text(''))).toBe(0n)
  })

  it('any bytes, at any alignment -> what the bitwise definition says', () => {
    fc.assert(
      fc.property(someBytes, fc.nat(9), (bytes, shift) => {
        const shifted = new Uint8Array(bytes.length + shift)
        shifted.set(bytes, shift)
        expect(crc64(shifted.subarray(shift))).toBe(bitwise(bytes))
      }),
      { numRuns: 300 },
    )
  })

  it('bytes that come in pieces -> the same as at once', () => {
    fc.assert(
      fc.property(fc.array(someBytes, { maxLength: 6 }), (pieces) => {
        const register = freshRegister()
        for (const piece of pieces) extend(register, piece, 0, piece.length)
        expect(resultOf(register)).toBe(bitwise(Uint8Array.from(pieces.flatMap((piece) => [...piece]))))
      }),
    )
  })

  it('a register moved past zeros and joined with the page from zero -> the register after both', () => {
    const shift = new Shift(64)
    fc.assert(
      fc.property(someBytes, fc.uint8Array({ minLength: 64, maxLength: 64 }), (before, page) => {
        const joined = freshRegister()
        extend(joined, before, 0, before.length)
        const alone = { high: 0, low: 0 }
        extend(alone, page, 0, page.length)
        shift.append(joined, alone)
        expect(resultOf(joined)).toBe(bitwise(Uint8Array.from([...before, ...page])))
      }),
    )
  })
})

describe('page checksums', () => {
  const counting = Uint8Array.from({ length: 512 }, (_, at) => at & 255)
  const vectors: readonly (readonly [number, Uint8Array, bigint])[] = [
    [1, new Uint8Array(512), 0xefb1f44fecd99000n],
    [2, counting, 0xc6232e56cb62cc9fn],
    [1, new Uint8Array(4096), 0xd9328f592d9e733dn],
  ]

  for (const [number, page, sum] of vectors) {
    it(`page ${number} of ${page.length} bytes -> ${sum.toString(16)}, as the reference says`, () => {
      expect(pageChecksum(number, page)).toBe(sum)
    })
  }

  it('the rolling checksum of two pages -> the value of the reference', () => {
    expect((pageChecksum(1, new Uint8Array(512)) ^ pageChecksum(2, counting)) | checksumFlag).toBe(0xa992da1927bb5c9fn)
  })

  it('computed from the register of the page alone -> the same, for every page size and number', () => {
    const numbers = fc.integer({ min: 1, max: 0xffffffff })
    fc.assert(
      fc.property(numbers, fc.integer({ min: 9, max: 16 }), fc.nat(255), (number, power, seed) => {
        const page = Uint8Array.from({ length: 1 << power }, (_, at) => (at * seed + (at >> 8)) & 255)
        const alone = { high: 0, low: 0 }
        extend(alone, page, 0, page.length)
        const sum = { high: 0, low: 0 }
        finishPage(number, alone, page.length, sum)
        expect((BigInt(sum.high) << 32n) | BigInt(sum.low)).toBe(pageChecksum(number, page))
      }),
      { numRuns: 60 },
    )
  })
})

describe('the kernel', () => {
  const runs = fc.record({
    bytes: fc.uint8Array({ maxLength: 700 }),
    from: fc.nat(80),
    high: fc.nat(0xffffffff),
    low: fc.nat(0xffffffff),
  })
  const both = (bytes: Uint8Array, from: number, register: Register): readonly Register[] =>
    [extend, extendPlain].map((extending) => {
      const one = { ...register }
      extending(one, bytes, from, bytes.length)
      return one
    })

  it('any bytes from any place and any register -> what it is the faster copy of', () => {
    fc.assert(
      fc.property(runs, ({ bytes, from, high, low }) => {
        const [fast, plain] = both(bytes, Math.min(from, bytes.length), { high, low })
        expect(fast).toEqual(plain)
      }),
      { numRuns: 500 },
    )
  })

  it.each([255, 256, 4096, 65_535, 65_536, 65_537, 200_001])('%d bytes -> the same, and what hash-wasm says', async (length) => {
    const bytes = Uint8Array.from({ length }, (_, at) => (at * 31 + (at >>> 8)) & 0xff)
    const [fast, plain] = both(bytes, 0, freshRegister())
    expect(fast).toEqual(plain)
    expect(crc64(bytes).toString(16).padStart(16, '0')).toBe(await crc64OfWasm(bytes, 'd800000000000000'))
  })

  it('a Node without WebAssembly -> the same without it', () => {
    const url = new URL('crc64.ts', import.meta.url).href
    const program = `const { crc64 } = await import('${url}'); delete globalThis.WebAssembly; console.log(crc64(new Uint8Array(5000)))`
    const told = execFileSync(process.execPath, ['--input-type=module', '--eval', program], { encoding: 'utf8' })
    expect(told.trim()).toBe(`${crc64(new Uint8Array(5000))}n`)
  })
})
