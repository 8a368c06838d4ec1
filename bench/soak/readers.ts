import { signedPath } from '../load/signed-request.ts';
import { type Activity, repeat, type Surroundings } from './activity.ts';

const EVERY_MS = 100;
const QUESTIONS: readonly (readonly [resource: string, ...params: string[]])[] = [
  ['/channels'],
  ['/channels', 'filter_by_prefix=presence-', 'info=user_count'],
  ['/channels/presence-lobby-0', 'info=user_count'],
  ['/channels/presence-lobby-1/users'],
  ['/channels/tags-0'],
];

/** Backends that ask by HTTP, rightly and wrongly. */
export function startReaders({ address, onProblem }: Surroundings): Activity {
  const counts = { reads: 0, refusedReads: 0 };
  const base = `http://${address.host}:${address.port}`;
  const ask = async (path: string, expected: number): Promise<void> => {
    const answer = await fetch(base + path);
    await answer.arrayBuffer();
    if (answer.status !== expected)
      onProblem(`GET ${path.split('?')[0]} was answered ${answer.status} instead of ${expected}`);
  };
  const reading = repeat(EVERY_MS, async (turn) => {
    const [resource, ...params] = QUESTIONS[turn % QUESTIONS.length] ?? ['/channels'];
    try {
      await ask(signedPath(address.app, 'GET', resource, params), 200);
      counts.reads += 1;
      if (turn % 10 !== 0) return;
      await ask(signedPath({ ...address.app, secret: 'wrong' }, 'GET', resource, params), 401);
      await ask('/apps/nobody/channels', 404);
      counts.refusedReads += 2;
    } catch (error) {
      onProblem(`a reader: ${(error as Error).message}`);
    }
  });
  return { counts, stop: () => reading.stop() };
}
