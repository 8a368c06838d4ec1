import type { Address } from './address.ts';
import { Subscriber } from './subscriber.ts';

export interface Crowd {
  readonly count: number;
  /** How many are on their way at a time. */
  readonly atOnce: number;
  readonly channelOf: (index: number) => string | undefined;
  readonly onFailure: (error: Error) => void;
  readonly onFrames?: (frames: number, subscriber: Subscriber) => void;
}

/** @returns subscribers that are all ready, in the order in which they were opened; their user ids are their numbers */
export async function openSubscribers(
  address: Address,
  { count, atOnce, channelOf, onFailure, onFrames }: Crowd,
): Promise<Subscriber[]> {
  const subscribers: Subscriber[] = [];
  if (count === 0) return subscribers;
  await new Promise<void>((resolve) => {
    let ready = 0;
    const open = (): void => {
      const index = subscribers.length;
      if (index === count) return;
      const options = { channel: channelOf(index), userId: `${index}`, onReady, onFailure };
      subscribers.push(new Subscriber(address, onFrames ? { ...options, onFrames } : options));
    };
    const onReady = (): void => {
      ready += 1;
      if (ready === count) resolve();
      else open();
    };
    for (let index = 0; index < Math.min(atOnce, count); index += 1) open();
  });
  return subscribers;
}
