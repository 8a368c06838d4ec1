import { openSubscribers } from '../load/open-subscribers.ts';
import { Waves } from '../load/waves.ts';
import { cpuMicroseconds, measureWindow } from '../load/window.ts';
import type { Scale, Target } from '../workloads/workload.ts';

const CLIENTS = 64;
const HOLDERS = 100;

/**
 * Clients that are connected already leave the channel that they are in and subscribe to another, all at once, over and over.
 *
 * @param channelOf - where the next subscription goes, by its number
 * @returns CPU-µs of the server for one subscription and its end
 */
export async function subscriptionCost(
  target: Target,
  { warmUpMs, windowMs }: Scale,
  channelOf: (index: number) => string,
  onFailure: (error: Error) => void,
): Promise<number> {
  const waves = new Waves(1, (index, done) => {
    const client = clients[index % CLIENTS];
    if (index >= CLIENTS) client?.unsubscribe(channelOf(index - CLIENTS));
    client?.subscribe(channelOf(index));
    done();
  });
  const clients = await openSubscribers(target, {
    count: CLIENTS,
    atOnce: CLIENTS,
    channelOf: () => undefined,
    onFailure,
    onFrames: (frames) => waves.delivered(frames),
  });
  await waves.run(CLIENTS, warmUpMs);
  return cpuMicroseconds(await measureWindow(target.pid, () => waves.run(CLIENTS, windowMs)));
}

/** Has some clients subscribe to so many channels, each to others. */
export async function holdChannels(target: Target, count: number, onFailure: (error: Error) => void): Promise<void> {
  let confirmed = 0;
  const holders = await openSubscribers(target, {
    count: HOLDERS,
    atOnce: HOLDERS,
    channelOf: () => undefined,
    onFailure,
    onFrames: (frames) => {
      confirmed += frames;
    },
  });
  for (let index = 0; index < count; index += 1) {
    holders[index % HOLDERS]?.subscribe(`held-${index}`);
    // What is under way has to fit into the buffers.
    while (index - confirmed > 1000) await new Promise((resolve) => setImmediate(resolve));
  }
  while (confirmed < count) await new Promise((resolve) => setImmediate(resolve));
}
