/** What goes over the control socket, decoded with care: the other end may be another version. */
import { DrError, isErrorCode } from '../../errors.ts'
import type { CaptureFork } from '../../ports/capture-control.ts'

export type Request =
  | { readonly verb: 'position' | 'drain' | 'scrub' | 'let-go' }
  | { readonly verb: 'resume'; readonly fork: CaptureFork | null }

export type Reply =
  | { readonly ok: true; readonly value: unknown }
  | {
      readonly ok: false
      readonly error: { readonly code: string; readonly what: string; readonly untouched: string; readonly next: string }
    }

/** @throws CAPTURE_STUCK when the line is no request. */
export function decodeRequest(line: string): Request {
  const value = parse(line)
  const { verb, fork } = value
  if (verb === 'position' || verb === 'drain' || verb === 'scrub' || verb === 'let-go') return { verb }
  if (verb === 'resume') return { verb, fork: decodeFork(fork) }
  throw new DrError('CAPTURE_STUCK', {
    what: `the capture does not know the request ${line.slice(0, 80)}`,
    untouched: 'Nothing was done.',
    next: 'Use the same version of genesis-dr for both.',
  })
}

/** The value of a good reply. @throws the error that the reply carries */
export function decodeReply(line: string): unknown {
  const { ok, value, error } = parse(line)
  if (ok === true) return value
  const { code, what, untouched, next } = record(error)
  throw new DrError(isErrorCode(code) ? code : 'CAPTURE_STUCK', {
    what: typeof what === 'string' ? what : 'the capture gave an answer that is not understood',
    untouched: typeof untouched === 'string' ? untouched : 'Unknown.',
    next: typeof next === 'string' ? next : 'Look at the output of the capture.',
  })
}

function decodeFork(value: unknown): CaptureFork | null {
  const { timeline, txid } = record(value)
  return typeof timeline === 'string' && typeof txid === 'number' ? { timeline, txid } : null
}

function parse(line: string): Record<string, unknown> {
  try {
    return record(JSON.parse(line))
  } catch (error) {
    if (error instanceof SyntaxError) return {}
    throw error
  }
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}
