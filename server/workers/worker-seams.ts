import type { Broker } from '../../channels/broker.ts';
import type { ChannelStore } from '../../channels/channel-store.ts';
import type { Seams } from '../seams.ts';
import { type CallLink, remote } from './calls.ts';
import { HOST_CALLS, type HostMethods } from './messages.ts';

/** What joins a worker to the others of its machine: broker and store are in the main process. */
export function createWorkerSeams(link: CallLink, listen: Broker['listen']): Seams {
  const host = remote<HostMethods, typeof HOST_CALLS>(link, HOST_CALLS);
  const store: ChannelStore = { ...host, close: () => {} };
  const broker: Broker = {
    ...host,
    answersMayOvertake: false,
    lingerMs: 0,
    listen,
    /**
     * A published message is with the system before the publisher is answered, so that it arrives even if this worker dies then; the host
     * reads it before it takes the worker for dead.
     */
    publish(message) {
      if (message.keepSeconds !== undefined) return host.publishKept(message);
      host.publish(message);
      return link.departed();
    },
    close: () => {},
  };
  return { broker, store, problem: () => undefined, start: async () => {}, stop: async () => {} };
}
