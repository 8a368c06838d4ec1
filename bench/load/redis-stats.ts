import { once } from 'node:events';
import { connect } from 'node:net';

/** Commands that a Redis has carried out so far, those inside of scripts and this question included. */
export async function redisCommands(port: number): Promise<number> {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.end('INFO stats\r\n');
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  await once(socket, 'close');
  return Number(/^total_commands_processed:(\d+)/m.exec(text)?.[1]);
}
