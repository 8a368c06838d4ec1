import type { Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import type { Address } from './address.ts';
import { clientFrame } from './client-frame.ts';
import { dropSocket, openSocket } from './open-socket.ts';
import { upgradeRequest } from './subscriber.ts';

/** How many bytes come at once: what the kernel takes without a pause. */
const BURST_BYTES = 3_000_000;
/** Between two bursts: a stranger connects again each time. */
const PAUSE_MS = 100;

/** Something that a stranger can send, over and over. */
export interface Attack {
  readonly id: string;
  readonly title: string;
  /** What is sent once the connection stands: a part, which is repeated up to the size of a burst. @param index - of the part */
  readonly partOf: (index: number) => Buffer;
  /** Where the WebSocket is; undefined: HTTP requests are sent without one. */
  readonly path?: (address: Address) => string;
  /** Before the parts. */
  readonly first?: Buffer;
}

const protocol = ({ app }: Address): string => `/app/${app.key}?protocol=7&client=js&version=8.6.0`;
const json = (message: object): Buffer => clientFrame(JSON.stringify(message));
const subscribe = (data: object): Buffer => json({ event: 'pusher:subscribe', data });
const control = (opcode: number): Buffer => Buffer.from([0x80 | opcode, 0x80, 0, 0, 0, 0]);
const request = (path: string): Buffer => Buffer.from(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
const always = (part: Buffer) => (): Buffer => part;

/** A WebSocket pong. It gets no answer, and a client that sends it now and then is never pinged, so only events arrive. */
export const SIGN_OF_LIFE = control(10);

/** Channel that 99 others are in. */
export const CROWD = 'crowd';
const TOGGLED = [
  json({ event: 'pusher:unsubscribe', data: { channel: CROWD } }),
  subscribe({ channel: CROWD }),
] as const;

export const ATTACKS: readonly Attack[] = [
  { id: 'none', title: 'nothing', path: protocol, partOf: always(Buffer.alloc(BURST_BYTES)) },
  { id: 'emptyFrames', title: 'empty frames', path: protocol, partOf: always(clientFrame('')) },
  { id: 'webSocketPings', title: 'WebSocket pings', path: protocol, partOf: always(control(9)) },
  { id: 'pings', title: 'pings', path: protocol, partOf: always(json({ event: 'pusher:ping', data: {} })) },
  {
    id: 'subscriptions',
    title: 'subscriptions',
    path: protocol,
    partOf: (index) => subscribe({ channel: `channel-${index}` }),
  },
  {
    id: 'signatures',
    title: 'subscriptions with wrong signatures',
    path: protocol,
    partOf: (index) => subscribe({ channel: `private-${index}`, auth: `bench-key:${'0'.repeat(64)}` }),
  },
  {
    id: 'toggling',
    title: 'in and out of a channel that tells 99 others their number',
    path: protocol,
    partOf: (index) => TOGGLED[index % 2 === 0 ? 0 : 1],
  },
  { id: 'notFound', title: 'pipelined requests for nothing', partOf: always(request('/nothing')) },
  {
    id: 'unknownApp',
    title: 'requests with an app id of 10 KB',
    partOf: (index) => request(`/apps/${index}${'x'.repeat(10_000)}/channels?auth_key=x&auth_timestamp=1`),
  },
  {
    id: 'longHeaders',
    title: 'refused WebSockets with long headers',
    partOf: always(
      Buffer.from(
        `GET /app/none HTTP/1.1\r\nHost: x\r\nUser-Agent: ${'x'.repeat(3000)}\r\nUpgrade: websocket\r\n` +
          'Connection: Upgrade\r\nSec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\nSec-WebSocket-Version: 13\r\n\r\n',
      ),
    ),
  },
];

/**
 * Attacks from one connection at a time, which comes back whenever it is ended, or after a burst.
 *
 * @returns ends it
 */
export function startAttack(address: Address, attack: Attack): () => Promise<void> {
  if (attack.id === 'none') return async () => {};
  const burst = burstOf(attack);
  let isOver = false;
  const rounds = (async () => {
    while (!isOver) {
      await sendOnce(address, attack, burst);
      await setTimeout(PAUSE_MS);
    }
  })();
  return async () => {
    isOver = true;
    await rounds;
  };
}

/** Sends a burst, and waits for the other side to close, for a while. */
async function sendOnce(address: Address, { path }: Attack, burst: Buffer): Promise<void> {
  let socket: Socket | undefined;
  await Promise.race([
    new Promise<void>((resolve) => {
      let isOpen = path === undefined;
      socket = openSocket(
        address,
        () => {
          if (isOpen) return;
          isOpen = true;
          socket?.write(burst);
        },
        () => resolve(),
      );
      socket.write(path ? upgradeRequest(address, path(address)) : burst);
    }),
    setTimeout(1000),
  ]);
  if (socket) dropSocket(socket);
}

function burstOf({ partOf }: Attack): Buffer {
  const parts: Buffer[] = [];
  for (let bytes = 0; bytes < BURST_BYTES; ) {
    const part = partOf(parts.length);
    parts.push(part);
    bytes += part.length;
  }
  return Buffer.concat(parts);
}
