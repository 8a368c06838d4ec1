import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { ConnectionPool } from '../../../server/apps/connection-pool.ts';
import { mysqlConnector } from '../../../server/apps/mysql-database.ts';
import { postgresConnector } from '../../../server/apps/postgres-database.ts';

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  stops.push(() => server.close());
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** What a server of PostgreSQL says when a client may begin: AuthenticationOk, ReadyForQuery. */
const POSTGRES_READY = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0, 0x5a, 0, 0, 0, 5, 0x49]);

// Cause: the driver had the same time limit as the pool, came first, and kept the connection. Symptom: after the way to PostgreSQL had broken without a
// word, the pool went on to ask the connection that was dead, until TCP gave up after a quarter of an hour.
test('a connection to PostgreSQL that keeps silent is given up', async () => {
  const server = createServer((socket) => {
    socket.once('data', () => socket.write(POSTGRES_READY));
  });
  const port = await listen(server);
  const connecting = once(server, 'connection') as Promise<[Socket]>;
  const connect = await postgresConnector({ host: '127.0.0.1', port, user: 'kulkul', database: 'main' });
  const pool = new ConnectionPool(connect, { min: 0, max: 1 });
  stops.push(() => pool.close());
  const failing = expect(pool.query('SELECT 1')).rejects.toThrow('no answer in time');
  const [socket] = await connecting;
  socket.on('error', () => {});
  const closed = once(socket, 'close');
  await failing;
  await closed;
});

/** A packet of MySQL: length, number, content. */
function packet(number: number, ...parts: (string | readonly number[])[]): Buffer {
  const content = Buffer.concat(
    parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from(part))),
  );
  return Buffer.concat([Buffer.from([content.length, 0, 0, number]), content]);
}

/** Protocol 10, id of the connection, salt, what the server can do, salt. */
const MYSQL_HELLO = packet(
  0,
  [10],
  '8.0.0\0',
  [1, 0, 0, 0],
  '12345678\0',
  [0xff, 0xf7, 45, 2, 0, 0x0f, 0x00, 21, ...new Array<number>(10).fill(0)],
  '123456789012\0mysql_native_password\0',
);
const MYSQL_OK = packet(2, [0, 0, 0, 2, 0, 0, 0]);
const MYSQL_REFUSAL = packet(1, [0xff, 0xcb, 0x04], '#42000not now');

// Cause: what failed after the connection was open, but before the pool had it, left it open. Symptom: as many connections as attempts, until MySQL took
// no more.
test('a connection to MySQL that can not be set up is closed', async () => {
  const server = createServer((socket) => {
    const answers = [MYSQL_OK, MYSQL_REFUSAL];
    socket.on('error', () => {});
    socket.on('data', () => socket.write(answers.shift() ?? ''));
    socket.write(MYSQL_HELLO);
  });
  const port = await listen(server);
  const connecting = once(server, 'connection') as Promise<[Socket]>;
  const connect = await mysqlConnector({ host: '127.0.0.1', port, user: 'kulkul', database: 'main' });
  const failing = expect(connect()).rejects.toThrow('not now');
  const [socket] = await connecting;
  const closed = once(socket, 'close');
  await failing;
  await closed;
});
