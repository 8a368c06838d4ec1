import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ConnectionPool } from '../../../server/apps/connection-pool.ts';
import type { DriverConnection } from '../../../server/apps/sql-connection.ts';

/** Answers when it is told to. */
class FakeConnection implements DriverConnection {
  isOpen = true;
  readonly statements: string[] = [];
  answer: (sql: string) => Promise<readonly []> = async () => [];

  query(sql: string): Promise<readonly []> {
    this.statements.push(sql);
    return this.answer(sql);
  }

  async execute(sql: string): Promise<void> {
    await this.query(sql);
  }

  destroy(): void {
    this.isOpen = false;
  }
}

let connections: FakeConnection[];
beforeEach(() => {
  vi.useFakeTimers();
  connections = [];
});
afterEach(() => {
  vi.useRealTimers();
});

function createPool(min = 0, max = 2): ConnectionPool {
  return new ConnectionPool(
    async () => {
      const connection = new FakeConnection();
      connections.push(connection);
      return connection;
    },
    { min, max },
  );
}

/** Occupies a connection until it is told to let go. */
function occupy(pool: ConnectionPool): Promise<() => Promise<void>> {
  return new Promise((resolve) => {
    const working = pool.transaction(
      () =>
        new Promise<void>((letGo) => {
          resolve(() => {
            letGo();
            return working;
          });
        }),
    );
  });
}

test('one query after the other takes the same connection', async () => {
  const pool = createPool();
  await pool.query('1');
  await pool.query('2');
  expect(connections.map(({ statements }) => statements)).toEqual([['1', '2']]);
});

test('queries beyond the most of connections wait for their turn', async () => {
  const pool = createPool(0, 1);
  const letGo = await occupy(pool);
  const waiting = [pool.query('1'), pool.query('2')];
  await letGo();
  await Promise.all(waiting);
  expect(connections.map(({ statements }) => statements)).toEqual([['BEGIN', 'COMMIT', '1', '2']]);
});

test('who waits too long for a turn is told, and takes none from others', async () => {
  const pool = createPool(0, 1);
  const letGo = await occupy(pool);
  const waiting = expect(pool.query('1')).rejects.toThrow('no answer in time');
  await vi.advanceTimersByTimeAsync(4000);
  await waiting;
  await letGo();
  await pool.query('2');
  expect(connections.map(({ statements }) => statements)).toEqual([['BEGIN', 'COMMIT', '2']]);
});

test('a connection that keeps silent is given up, and who waits gets a new one', async () => {
  const pool = createPool(0, 1);
  await pool.query('1');
  const [silent] = connections;
  if (silent) silent.answer = () => new Promise(() => {});
  const query = expect(pool.query('2')).rejects.toThrow('no answer in time');
  const next = pool.query('3');
  await vi.advanceTimersByTimeAsync(3000);
  await query;
  await next;
  expect(connections.map(({ isOpen, statements }) => [isOpen, statements])).toEqual([
    [false, ['1', '2']],
    [true, ['3']],
  ]);
});

test('a connection that was lost meanwhile is not used again', async () => {
  const pool = createPool();
  await pool.query('1');
  connections[0]?.destroy();
  await pool.query('2');
  expect(connections.map(({ statements }) => statements)).toEqual([['1'], ['2']]);
});

test('work that fails is taken back; where not even that works the connection goes', async () => {
  const pool = createPool();
  const fail = (): Promise<never> => Promise.reject(new Error('taken'));
  await expect(pool.transaction(fail)).rejects.toThrow('taken');
  expect(connections.map(({ isOpen, statements }) => [isOpen, statements])).toEqual([[true, ['BEGIN', 'ROLLBACK']]]);
  const [connection] = connections;
  if (connection) connection.answer = (sql) => (sql === 'ROLLBACK' ? fail() : Promise.resolve([]));
  await expect(pool.transaction(fail)).rejects.toThrow('taken');
  expect(connection?.isOpen).toBe(false);
});

test('connections that nobody needs are closed, apart from those to keep', async () => {
  const pool = createPool(1, 3);
  const letGo = [await occupy(pool), await occupy(pool), await occupy(pool)];
  for (const free of letGo) await free();
  await vi.advanceTimersByTimeAsync(6000);
  expect(connections.filter(({ isOpen }) => isOpen)).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(connections.filter(({ isOpen }) => isOpen)).toHaveLength(1);
});

test('a pool that is closed ends what is idle at once, and the rest when it is done', async () => {
  const pool = createPool(0, 1);
  const letGo = await occupy(pool);
  const waiting = expect(pool.query('1')).rejects.toThrow('The database was closed');
  pool.close();
  await waiting;
  expect(connections[0]?.isOpen).toBe(true);
  await letGo();
  expect(connections[0]?.isOpen).toBe(false);
  await expect(pool.query('2')).rejects.toThrow('The database was closed');
});

test('a database that can not be reached fails who asked, and does not use up the connections', async () => {
  let isAway = true;
  const pool = new ConnectionPool(
    async () => {
      if (isAway) throw new Error('refused');
      return new FakeConnection();
    },
    { min: 0, max: 1 },
  );
  for (const sql of ['1', '2']) await expect(pool.query(sql)).rejects.toThrow('refused');
  isAway = false;
  expect(await pool.query('3')).toEqual([]);
});

// Cause: a query that waited for a new connection in place of one that was lost could give up before that was open, and nobody had it then. Symptom: it
// counted for ever, so that after as many as the pool may have every query timed out.
test('a connection for a query that has given up goes to the next', async () => {
  let isSlow = false;
  const pool = new ConnectionPool(
    async () => {
      const connection = new FakeConnection();
      connections.push(connection);
      if (isSlow) await new Promise((resolve) => setTimeout(resolve, 3000));
      return connection;
    },
    { min: 0, max: 1 },
  );
  const letGo = await occupy(pool);
  isSlow = true;
  const late = expect(pool.query('LATE')).rejects.toThrow('no answer in time');
  await vi.advanceTimersByTimeAsync(2000);
  connections[0]?.destroy();
  await letGo().catch(() => {});
  await vi.advanceTimersByTimeAsync(3000);
  await late;
  await pool.query('NEXT');
  expect(connections).toHaveLength(2);
  expect(connections[1]?.statements).toEqual(['NEXT']);
});
