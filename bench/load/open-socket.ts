import { connect, type Socket } from 'node:net';
import { connect as connectTls, TLSSocket } from 'node:tls';
import type { Address } from './address.ts';

/**
 * All sockets without TLS read into the same bytes: they are looked at before the next socket reads. A Buffer of its own for each
 * read is what a load generator on Node spends most of its time with.
 */
const SHARED_BUFFER = Buffer.allocUnsafe(65_536);

/**
 * Connects, by TLS when the address says so.
 *
 * @param onBytes - what came: the first `length` bytes of the buffer, which are overwritten soon after
 * @param onFailure - called with an error, and when the other side closes
 */
export function openSocket(
  { host, port, ca }: Pick<Address, 'host' | 'port' | 'ca'>,
  onBytes: (bytes: Buffer, length: number) => void,
  onFailure: (error: Error) => void,
): Socket {
  const take = (length: number): boolean => {
    onBytes(SHARED_BUFFER, length);
    return true;
  };
  const socket =
    ca === undefined
      ? connect({ host, port, noDelay: true, onread: { buffer: SHARED_BUFFER, callback: take } })
      : connectTls({ host, port, ...(ca === '' ? { servername: host } : { servername: 'localhost', ca }) });
  if (ca !== undefined) {
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => onBytes(chunk, chunk.length));
  }
  socket.on('error', onFailure);
  socket.on('close', () => onFailure(new Error('the server closed a connection')));
  return socket;
}

/** Ends with a reset where that is possible: it leaves no port waiting for its time. */
export function dropSocket(socket: Socket): void {
  socket.removeAllListeners('close');
  socket.removeAllListeners('error');
  socket.on('error', () => {});
  if (socket instanceof TLSSocket) socket.destroy();
  else socket.resetAndDestroy();
}
