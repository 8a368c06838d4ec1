import { randomBytes } from 'node:crypto';
import { signChannelAuth } from '../../auth/client-signature.ts';
import { isJsonObject, parseJson } from '../../protocol/json.ts';
import { explainNetwork } from '../client/explain-network.ts';
import type { AppCredentials, PusherApi } from '../client/pusher-api.ts';
import type { PusherFrame, PusherSocket } from '../client/pusher-socket.ts';
import { foreign } from '../log.ts';
import { readApiAnswer } from './answers.ts';
import { type Finding, failure, ok } from './finding.ts';

/** Each by a connection of its own, so that a load balancer passes them to different brokers. */
const EVENTS = 4;

/** The frames of a connection, with a way to wait for one. */
export class Frames {
  readonly #all: PusherFrame[] = [];
  readonly #watchers = new Set<() => void>();

  add(frame: PusherFrame): void {
    this.#all.push(frame);
    for (const look of this.#watchers) look();
  }

  /** Resolves with what `find` finds, or undefined after a time. */
  until<T>(find: (frames: readonly PusherFrame[]) => T | undefined, timeoutMs: number): Promise<T | undefined> {
    return new Promise((resolve) => {
      const finish = (found: T | undefined): void => {
        clearTimeout(timer);
        this.#watchers.delete(look);
        resolve(found);
      };
      const look = (): void => {
        const found = find(this.#all);
        if (found !== undefined) finish(found);
      };
      const timer = setTimeout(() => finish(undefined), timeoutMs);
      this.#watchers.add(look);
      look();
    });
  }

  count(event: string): number {
    return this.#all.filter((frame) => frame.event === event).length;
  }
}

/** Publishes through the address, and sees whether a subscriber that is connected through it gets the events. */
export async function examineDelivery(
  socket: PusherSocket,
  frames: Frames,
  api: PusherApi,
  app: AppCredentials,
  timeoutMs: number,
): Promise<Finding> {
  const channel = `private-kulkul-doctor-${randomBytes(8).toString('hex')}`;
  socket.subscribe({ channel, auth: signChannelAuth(app, socket.socketId, channel) });
  const entered = await frames.until(
    (all) => all.find(({ event }) => event === 'pusher_internal:subscription_succeeded' || event === 'pusher:error'),
    timeoutMs,
  );
  if (entered === undefined) return failure('delivery', 'websocket-silent', 'a subscription is not answered');
  if (entered.event === 'pusher:error') {
    const data = parseJson(entered.data);
    const text = foreign(isJsonObject(data) ? String(data.message) : entered.data, 300);
    const isSignature = /signature|auth/i.test(text);
    return failure(
      'delivery',
      isSignature ? 'wrong-secret' : 'websocket-refused',
      `a subscription is refused: ${text}`,
    );
  }
  const startMs = performance.now();
  const problems = await Promise.all(Array.from({ length: EVENTS }, () => publish(api, channel)));
  const problem = problems.find((one) => one !== undefined);
  if (problem) return problem;
  const name = 'kulkul-doctor';
  await frames.until(() => (frames.count(name) === EVENTS ? true : undefined), timeoutMs);
  const ms = Math.round(performance.now() - startMs);
  const count = frames.count(name);
  if (count === EVENTS) return ok('delivery', `${EVENTS} of ${EVENTS} events arrive (${ms} ms)`);
  const found = `${count} of ${EVENTS} events arrive`;
  return failure('delivery', count === 0 ? 'not-delivered' : 'delivered-in-part', found);
}

async function publish(api: PusherApi, channel: string): Promise<Finding | undefined> {
  const body = JSON.stringify({ name: 'kulkul-doctor', channel, data: '{}' });
  try {
    const answer = await api.ask({ method: 'POST', path: '/events', body });
    if (answer.status === 200) return undefined;
    const symptom = readApiAnswer(answer);
    return failure(
      'delivery',
      symptom?.id ?? 'request-refused',
      `publishing: ${symptom?.found ?? `status ${answer.status}`}`,
    );
  } catch (error) {
    return failure('delivery', 'request-refused', `publishing fails: ${explainNetwork(error)}`);
  }
}
