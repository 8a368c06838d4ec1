import * as crypto from 'node:crypto';
import { NO_COMPRESSION, type TemplatedApp, type WebSocket } from '../../server/uws.ts';
import { BENCH_APP } from '../servers/bench-app.ts';
import { Presence } from './presence.ts';

/** What clients send, all that the floor looks at. */
interface ClientFrame {
  readonly event: string;
  readonly channel: string;
  readonly data: unknown;
}

interface Subscription {
  readonly channel: string;
  readonly auth: string;
  readonly channel_data?: string;
}

/** Of a connection; empty where nobody asks for it, so that an idle connection is as small as can be. */
interface Client {
  socketId?: string;
  /** Presence channels that it is a member of, with its id there. */
  memberships?: Map<string, string>;
}

const PONG = '{"event":"pusher:pong","data":"{}"}';
const secret = crypto.createSecretKey(Buffer.from(BENCH_APP.secret));

/** Serves Pusher clients. */
export function serveClients(app: TemplatedApp, verifies: boolean): void {
  const presence = new Presence(app);
  let connections = 0;

  app.ws<Client>('/*', {
    compression: NO_COMPRESSION,
    idleTimeout: 960,
    sendPingsAutomatically: false,
    open(ws) {
      connections += 1;
      const socketId = `${connections}.1`;
      if (verifies) ws.getUserData().socketId = socketId;
      const data = `{"socket_id":"${socketId}","activity_timeout":50}`;
      ws.send(`{"event":"pusher:connection_established","data":${JSON.stringify(data)}}`);
    },
    message(ws, message) {
      const frame = JSON.parse(Buffer.from(message).toString()) as ClientFrame;
      if (frame.event === 'pusher:subscribe') subscribe(ws, frame.data as Subscription);
      else if (frame.event === 'pusher:unsubscribe') unsubscribe(ws, (frame.data as Subscription).channel);
      else if (frame.event === 'pusher:ping') ws.send(PONG);
      else ws.publish(frame.channel, JSON.stringify(frame));
    },
    close(ws) {
      for (const [channel, userId] of ws.getUserData().memberships ?? []) presence.leave(channel, userId);
    },
  });

  function subscribe(ws: WebSocket<Client>, { channel, auth, channel_data: channelData }: Subscription): void {
    const client = ws.getUserData();
    if (verifies && auth !== '' && !isSigned(client.socketId, channel, auth, channelData)) {
      ws.end(4009);
      return;
    }
    ws.subscribe(channel);
    if (channelData === undefined) {
      ws.send(`{"event":"pusher_internal:subscription_succeeded","channel":${JSON.stringify(channel)},"data":"{}"}`);
      return;
    }
    client.memberships ??= new Map();
    client.memberships.set(channel, presence.join(ws, channel, channelData));
  }

  function unsubscribe(ws: WebSocket<Client>, channel: string): void {
    ws.unsubscribe(channel);
    const { memberships } = ws.getUserData();
    const userId = memberships?.get(channel);
    if (userId === undefined) return;
    memberships?.delete(channel);
    presence.leave(channel, userId);
  }
}

function isSigned(
  socketId: string | undefined,
  channel: string,
  auth: string,
  channelData: string | undefined,
): boolean {
  const signed = channelData === undefined ? `${socketId}:${channel}` : `${socketId}:${channel}:${channelData}`;
  return auth === `${BENCH_APP.key}:${crypto.createHmac('sha256', secret).update(signed).digest('hex')}`;
}
