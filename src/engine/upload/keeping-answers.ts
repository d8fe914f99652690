import type { Socket } from 'node:net'
import type { buildConnector } from 'undici'

/** How long a broken connection may still deliver the answer that is on its way. */
const GRACE_MS = 1000

type WriteDone = (error?: Error | null) => void

/**
 * Lets an answer be read although writing has failed. A store that refuses a part answers and closes while we still send;
 * the next write then fails with EPIPE, and node would destroy the socket with the answer unread in it. Here the failure
 * of a write is held back until the reading side has ended.
 */
export function keepingAnswers(connect: buildConnector.connector): buildConnector.connector {
  return (target, callback) =>
    connect(target, (...[error, socket]) => {
      if (!socket) return callback(error ?? new Error('connected to nothing'), null)
      holdBackWriteErrors(socket)
      callback(null, socket)
    })
}

/** Holds failures of writes back until the reading side of this socket has ended, or a second has passed. */
export function holdBackWriteErrors(socket: Socket): void {
  const holdBack =
    (done: WriteDone): WriteDone =>
    (error) => {
      if (!error || socket.destroyed || socket.readableEnded) return done(error)
      const timer = setTimeout(finish, GRACE_MS)
      socket.once('end', finish).once('close', finish)
      function finish() {
        clearTimeout(timer)
        socket.off('end', finish).off('close', finish)
        done(error)
      }
    }
  const { _write: write, _writev: writev } = socket
  socket._write = (chunk, encoding, done) => write.call(socket, chunk, encoding, holdBack(done))
  if (writev) socket._writev = (chunks, done) => writev.call(socket, chunks, holdBack(done))
}
