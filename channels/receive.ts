import { type ClientMessage, parseClientMessage } from '../protocol/client-message.ts';
import { CLOSE_CODES } from '../protocol/close-codes.ts';
import { Disconnect, PusherError, SubscriptionError } from '../protocol/errors.ts';
import { quote } from '../protocol/json.ts';
import { encodeError, encodeSubscriptionError, PONG_FRAME } from '../protocol/server-message.ts';
import { clientEvent } from './client-event.ts';
import type { Connection } from './connection.ts';
import type { MaybePromise } from './maybe-promise.ts';
import type { Node } from './node.ts';
import { signIn } from './sign-in.ts';
import { subscribe } from './subscribe.ts';
import { unsubscribe } from './unsubscribe.ts';

/** Frames that may wait behind one that a seam has not answered; more than any client sends in that time. */
const MAX_WAITING = 256;

/**
 * Takes one text frame of a client. Frames of a connection are handled one after the other, in the order they came.
 * This is the one place where client text meets the broker: whatever it causes ends here.
 */
export function receive(node: Node, connection: Connection, text: string): void {
  if (connection.isClosed) return;
  noteActivity(node, connection);
  if (connection.waiting) {
    if (connection.waiting.length < MAX_WAITING) connection.waiting.push(text);
    else answer(node, connection, TOO_MANY_WAITING);
    return;
  }
  const handled = handle(node, connection, text);
  if (handled instanceof Promise) void drain(node, connection, handled);
}

/** Any frame of a client, a WebSocket ping or pong included, shows that it is alive. */
export function noteActivity(node: Node, connection: Connection): void {
  connection.lastReceivedSeconds = node.liveness.nowSeconds;
}

/** A frame larger than the transport hands over: refused, but a reason to stay connected. */
export function refuseFrame(node: Node, connection: Connection, bytes: number, maxBytes: number): void {
  noteActivity(node, connection);
  const text = `Message of ${bytes} bytes is too large: limit ${maxBytes} bytes (maxFrameBytes)`;
  answer(node, connection, new PusherError('frame-too-large', text));
}

async function drain(node: Node, connection: Connection, first: Promise<void>): Promise<void> {
  connection.waiting = [];
  await first;
  for (let next = connection.waiting?.shift(); next !== undefined; next = connection.waiting?.shift()) {
    await handle(node, connection, next);
  }
  connection.waiting = undefined;
}

/** Never throws and never rejects: errors are answered. */
function handle(node: Node, connection: Connection, text: string): MaybePromise<void> {
  try {
    const message = parseClientMessage(text);
    const done = dispatch(node, connection, message);
    if (done instanceof Promise) {
      return done.catch((error: unknown) => answer(node, connection, expected(node, connection, message, error)));
    }
  } catch (error) {
    answer(node, connection, error);
  }
}

function dispatch(node: Node, connection: Connection, message: ClientMessage): MaybePromise<void> {
  switch (message.kind) {
    case 'ping':
      return connection.transport.send(PONG_FRAME);
    case 'pong':
      return;
    case 'client-event':
      return clientEvent(node, connection, message);
    case 'subscribe':
      return subscribe(node, connection, message);
    case 'unsubscribe':
      return unsubscribe(node, connection, message.channel);
    case 'signin':
      return signIn(node, connection, message);
  }
}

/** A seam that fails costs the command which needed it, and nothing else: the client may try again. */
function expected(node: Node, connection: Connection, message: ClientMessage, error: unknown): Error {
  if (error instanceof PusherError || error instanceof Disconnect) return error;
  node.observer.failed(error, message.kind);
  const id = 'temporarily-unavailable';
  const advice = 'the server could not do it just now: try again later';
  if (message.kind === 'subscribe' && !connection.subscriptions.has(message.channel)) {
    const text = `Subscription to ${quote(message.channel, 200)} failed, ${advice}`;
    return new SubscriptionError(id, message.channel, 'ServerError', 503, text);
  }
  return new PusherError(id, `Your ${message.kind} failed in part or whole, ${advice}`);
}

function answer(node: Node, connection: Connection, error: unknown): void {
  if (connection.isClosed) return;
  if (error instanceof PusherError) {
    node.observer.refused(connection.socketId, connection.app, error);
    connection.transport.send(encodeError(error.code, error.message));
    if (error instanceof SubscriptionError && node.options.subscriptionErrorEvent) {
      connection.transport.send(encodeSubscriptionError(error.channel, error.type, error.message, error.status));
    }
  } else if (error instanceof Disconnect) {
    node.end(connection, error);
  } else {
    node.observer.failed(error, 'client message');
    node.end(connection, INTERNAL_ERROR);
  }
}

const TOO_MANY_WAITING = new Disconnect('too-many-waiting', CLOSE_CODES.overCapacity, 'Too many messages at once');
const INTERNAL_ERROR = new Disconnect('internal-error', CLOSE_CODES.overCapacity, 'Internal error');
