/**
 * CRC-64/ISO in AssemblyScript: what src/ltx/crc64.ts does, 64 bytes at a step. `npm run kernel` compiles it into src/ltx/kernel-bytes.ts.
 *
 * The polynomial is x^64 + x^4 + x^3 + x + 1, and by squaring three times x^512 = x^32 + x^24 + x^8 + 1. Bits are reflected, so that
 * multiplying by x is a shift to the right, and what falls out at the right comes in again as its product with x^64. Eight words side by
 * side are each moved past 64 bytes by shifts alone, until there are no 64 bytes more; then they are put together word by word.
 */

/** Where the register stands: 8 bytes, low half first. */
const registerAt: usize = 0

/** Moves the register past the `length` bytes at `at`. */
export function extend(at: usize, length: usize): void {
  let register = load<u64>(registerAt)
  const end = at + length
  if (length >= 128) {
    let a = v128.xor(v128.load(at), i64x2(register, 0))
    let b = v128.load(at, 16)
    let c = v128.load(at, 32)
    let d = v128.load(at, 48)
    at += 64
    for (; at + 64 <= end; at += 64) {
      a = v128.xor(pastBlock(a), v128.load(at))
      b = v128.xor(pastBlock(b), v128.load(at, 16))
      c = v128.xor(pastBlock(c), v128.load(at, 32))
      d = v128.xor(pastBlock(d), v128.load(at, 48))
    }
    register = past2(past2(past2(past2(0, a), b), c), d)
  }
  for (; at + 8 <= end; at += 8) register = pastWord(register ^ load<u64>(at))
  for (; at < end; at++) register = pastByte(register ^ (<u64>load<u8>(at)))
  store<u64>(registerAt, register)
}

/** Times x^512. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function pastBlock(v: v128): v128 {
  const out = v128.xor(v128.xor(i64x2.shl(v, 32), i64x2.shl(v, 40)), i64x2.shl(v, 56))
  const t = v128.xor(v, out)
  // What fell out is times x^64 (1, 3, 4), what stayed times x^8, x^24 and x^32.
  const fallen = v128.xor(v128.xor(i64x2.shr_u(out, 1), i64x2.shr_u(out, 3)), i64x2.shr_u(out, 4))
  const stayed = v128.xor(v128.xor(i64x2.shr_u(v, 8), i64x2.shr_u(v, 24)), i64x2.shr_u(v, 32))
  return v128.xor(v128.xor(t, fallen), stayed)
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function past2(register: u64, words: v128): u64 {
  return pastWord(pastWord(register ^ i64x2.extract_lane(words, 0)) ^ i64x2.extract_lane(words, 1))
}

/** Times x^64. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function pastWord(v: u64): u64 {
  const t = v ^ (v << 63) ^ (v << 61) ^ (v << 60)
  return t ^ (t >> 1) ^ (t >> 3) ^ (t >> 4)
}

/** Times x^8. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function pastByte(v: u64): u64 {
  const out = v << 56
  return (v >> 8) ^ out ^ (out >> 1) ^ (out >> 3) ^ (out >> 4)
}
