import type { Broker, BrokerMessage } from '../../channels/broker.ts';
import type { ChannelStore } from '../../channels/channel-store.ts';
import type { OnEdge } from '../../channels/edge.ts';
import type { Seams } from '../seams.ts';
import { type CallLink, remote } from './calls.ts';
import { HOST_CALLS, type HostMethods } from './messages.ts';

/** Takes what the main process has for the seams of a worker. */
export class SeamsInbox {
  deliver: (message: BrokerMessage) => void = () => {};
  reportEdge: OnEdge = () => {};
}

/**
 * What joins a worker to the others of its machine: broker and store are in the main process.
 *
 * @param onEdge - told of the edges that this worker is to report
 */
export function createWorkerSeams(link: CallLink, inbox: SeamsInbox, onEdge?: OnEdge): Seams {
  const host = remote<HostMethods, typeof HOST_CALLS>(link, HOST_CALLS);
  if (onEdge) {
    inbox.reportEdge = onEdge;
    host.listenToEdges();
  }
  const store: ChannelStore = { ...host, close: () => {} };
  const broker: Broker = {
    ...host,
    answersMayOvertake: false,
    lingerMs: 0,
    listen(deliver) {
      inbox.deliver = deliver;
    },
    /**
     * A published message is with the system before the publisher is answered, so that it arrives even if this worker dies then; the host
     * reads it before it takes the worker for dead.
     */
    publish(message) {
      if (message.keepSeconds !== undefined || message.keepNamed) return host.publishKept(message);
      host.publish(message);
      return link.departed();
    },
    close: () => {},
  };
  return { broker, store, problem: () => undefined, start: async () => {}, stop: async () => {} };
}
