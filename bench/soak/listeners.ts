import { HttpConnection } from '../load/http-connection.ts';
import { signedRequest } from '../load/signed-request.ts';
import { type Activity, repeat, type Surroundings } from './activity.ts';
import { SoakClient } from './soak-client.ts';

const CHANNELS = 20;
const LISTENERS = 100;
const PUBLISH_EVERY_MS = 5;
/** One request in so many is a batch, with an event for each of the first ten channels. */
const BATCH_SHARE = 10;
const BATCH = 10;

/** Events, and clients that stay for the whole time and notice when one is missing, comes twice or in another order. */
export async function startListeners({ address, onProblem }: Surroundings): Promise<Activity> {
  const counts = { published: 0, delivered: 0 };
  const sent = Array.from({ length: CHANNELS }, () => 0);
  const channelOf = (index: number): string => `tags-${index % CHANNELS}`;
  let isStopping = false;
  const listeners: SoakClient[] = [];
  const last: number[] = [];
  for (let index = 0; index < LISTENERS; index += 1) {
    last[index] = 0;
    const onEnd = (): void => void (isStopping || onProblem('a listener lost its connection'));
    const listener = await SoakClient.open(
      address,
      `${index}`,
      ({ event, channel, data }) => {
        const number = Number(data);
        if (event !== 'tag') onProblem(`a listener got ${event} on ${channel}: ${JSON.stringify(data)}`);
        else if (number !== (last[index] ?? 0) + 1) onProblem(`${channel}: event ${number} came after ${last[index]}`);
        last[index] = number;
        counts.delivered += 1;
      },
      onEnd,
    );
    await listener.subscribe(channelOf(index));
    listeners.push(listener);
  }
  const http = await HttpConnection.open(address, ({ message }) => isStopping || onProblem(message));
  const next = (channel: number): string => {
    counts.published += 1;
    sent[channel] = (sent[channel] ?? 0) + 1;
    return `${sent[channel]}`;
  };
  const request = (turn: number): Buffer => {
    if (turn % BATCH_SHARE !== 0) {
      const channel = turn % CHANNELS;
      return signedRequest(address, '/events', { name: 'tag', channels: [channelOf(channel)], data: next(channel) });
    }
    const batch = Array.from({ length: BATCH }, (_, channel) => ({
      name: 'tag',
      channel: channelOf(channel),
      data: next(channel),
    }));
    return signedRequest(address, '/batch_events', { batch });
  };
  const publisher = repeat(
    PUBLISH_EVERY_MS,
    (turn) => new Promise<void>((resolve) => http.request(request(turn), resolve)),
  );
  return {
    counts,
    async stop() {
      await publisher.stop();
      // What was published is on its way ahead of the answer to this.
      await Promise.all(listeners.map((listener) => listener.subscribe('last')));
      listeners.forEach((_, index) => {
        const expected = sent[index % CHANNELS];
        if (last[index] !== expected) onProblem(`a listener has event ${last[index]} of ${expected}`);
      });
      isStopping = true;
      http.drop();
      await Promise.all(listeners.map((listener) => listener.close()));
    },
  };
}
