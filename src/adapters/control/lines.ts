/**
 * The lines that come over a control socket, one by one and only as fast as they are used. Whatever the other end does, sends half a line,
 * an endless one, or goes away, ends the lines and harms nobody else: the socket's errors are heard here, and nowhere else.
 */
import type { Socket } from 'node:net'

/** Chosen: a request or an answer has a few hundred bytes; 1 MiB stops whoever sends without end before it costs memory. */
export const longestLine = 1024 * 1024

/** Ends, without an error, when the other end is gone or a line is longer than `longestLine`; half a line at the end is none. */
export async function* linesOf(socket: Socket): AsyncGenerator<string> {
  let rest = ''
  socket.setEncoding('utf8')
  for await (const piece of piecesOf(socket)) {
    const lines = `${rest}${piece}`.split('\n')
    rest = lines.pop() ?? ''
    yield* lines
    if (rest.length > longestLine) return
  }
}

async function* piecesOf(socket: Socket): AsyncGenerator<string> {
  try {
    for await (const piece of socket) yield String(piece)
  } catch (error) {
    // That the other end is gone is all that any error of a socket says.
    socket.destroy(error instanceof Error ? error : undefined)
  }
}
