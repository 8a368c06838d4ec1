import { type ClientMessage, parseClientMessage } from '../protocol/client-message.ts';
import { CLOSE_CODES, Disconnect, PusherError, SubscriptionError } from '../protocol/errors.ts';
import { quote } from '../protocol/json.ts';
import { encodeError, encodeSubscriptionError, PONG_FRAME } from '../protocol/server-message.ts';
import { clientEvent } from './client-event.ts';
import type { Connection } from './connection.ts';
import { encodeEcho, type Reader } from './feed.ts';
import { costOf, echoCost, faultCost, REFUSED, refill, SIGN_OF_LIFE, spend, UNREAD } from './frame-budget.ts';
import type { MaybePromise } from './maybe-promise.ts';
import type { Node } from './node.ts';
import { signIn } from './sign-in.ts';
import { subscribe } from './subscribe.ts';
import { unsubscribe } from './unsubscribe.ts';

const UTF_8 = new TextDecoder('utf-8', { fatal: true });
/** Text that may wait for a seam to answer, in characters: far more than any client sends in that time. */
const MAX_WAITING_LENGTH = 1_048_576;

/** Takes one frame of a client. One that is too large is refused, but no reason to end the connection. */
export function receiveFrame(node: Node, connection: Connection, frame: Buffer): void {
  const { maxFrameBytes } = node.options;
  if (frame.length <= maxFrameBytes) {
    receive(node, connection, frame.toString());
  } else if (!connection.isClosed) {
    noteActivity(node, connection);
    const text = `Message of ${frame.length} bytes is too large: limit ${maxFrameBytes} bytes (maxFrameBytes)`;
    const error = new PusherError('frame-too-large', text);
    answer(node, connection, error, faultCost(error, frame.length));
  }
}

/**
 * Takes the text of one frame. This is the one place where client text meets the broker: whatever it causes ends here.
 *
 * Commands take effect in the order in which they came, as far as one can tell: those for one channel wait for each other,
 * and all wait for a sign-in. With seams that answer at once nothing ever waits.
 */
export function receive(node: Node, connection: Connection, text: string): void {
  if (connection.isClosed) return;
  noteActivity(node, connection);
  let message: ClientMessage;
  try {
    message = parseClientMessage(text);
  } catch (error) {
    answer(node, connection, error, faultCost(error, text.length));
    return;
  }
  if (!spend(node, connection, costOf(node, connection, message, text.length))) return;
  try {
    if (node.costlyFrames.admits(connection, message)) {
      proceed(node, connection, message, text.length);
    } else {
      node.costlyFrames.add(connection, message, text.length);
      wait(connection, text.length);
    }
  } catch (error) {
    answer(node, connection, error);
  }
}

/** A message that had to wait for its turn. */
export function takeTurn(node: Node, connection: Connection, message: ClientMessage, length: number): void {
  if (connection.isClosed) return;
  connection.waitingLength -= length;
  try {
    proceed(node, connection, message, length);
  } catch (error) {
    answer(node, connection, error);
  }
}

/**
 * Takes a frame that is no message of the protocol: a WebSocket ping or pong, or something that the reader of a feed said.
 *
 * @param units - what it costs
 * @returns false when nothing more is to be done for the client
 */
export function receiveOther(node: Node, connection: Connection, units: number): boolean {
  if (connection.isClosed) return false;
  noteActivity(node, connection);
  return spend(node, connection, units);
}

function proceed(node: Node, connection: Connection, message: ClientMessage, length: number): void {
  const before = waitsFor(connection, message);
  if (before)
    occupy(
      connection,
      message,
      length,
      before.then(() => attempt(node, connection, message)),
    );
  else start(node, connection, message, length);
}

/** Any frame of a client shows that it is alive. */
function noteActivity(node: Node, connection: Connection): void {
  refill(connection, node.dueTimes.nowSeconds);
  connection.lastReceivedSeconds = node.dueTimes.nowSeconds;
}

/** Takes a WebSocket pong, with what the ping had in it. */
export function receivePong(node: Node, connection: Connection, payload: string): void {
  if (receiveOther(node, connection, SIGN_OF_LIFE)) node.uptake.answered(connection, payload);
}

/** Takes what the reader of a feed said. It is not looked at, at the most sent back. */
export function receiveFromReader(node: Node, connection: Connection, reader: Reader, frame: Buffer): void {
  const isEchoed = reader.feed.echo && frame.length <= node.options.maxFrameBytes;
  if (!receiveOther(node, connection, isEchoed ? echoCost(frame.length) : UNREAD) || !isEchoed) return;
  let text: string;
  try {
    text = UTF_8.decode(frame);
  } catch {
    // Bytes that are no text.
    return;
  }
  reader.echo(encodeEcho(text, node.clock.now()));
}

/** What the message must not overtake: an earlier command for its channel, or a sign-in. */
function waitsFor({ underWay }: Connection, message: ClientMessage): Promise<void> | undefined {
  if (!underWay || message.kind === 'ping' || message.kind === 'pong') return undefined;
  const same = underWay.get(laneOf(message));
  const signIn = underWay.get(SIGN_IN_LANE);
  return same && signIn && same !== signIn ? same.then(() => signIn) : (same ?? signIn);
}

const SIGN_IN_LANE = '';

function laneOf(message: ClientMessage): string {
  return 'channel' in message ? message.channel : SIGN_IN_LANE;
}

/** Starts a command that nothing stands before. */
function start(node: Node, connection: Connection, message: ClientMessage, length: number): void {
  const done = attempt(node, connection, message);
  // Events keep their order by themselves; only commands that change something are waited for.
  if (done instanceof Promise && message.kind !== 'client-event') occupy(connection, message, length, done);
}

/** Notes a command that is not done. @throws {Disconnect} too much of that */
function occupy(connection: Connection, message: ClientMessage, length: number, done: Promise<void>): void {
  connection.underWay ??= new Map();
  const { underWay } = connection;
  const lane = laneOf(message);
  underWay.set(lane, done);
  void done.then(() => {
    connection.waitingLength -= length;
    if (underWay.get(lane) === done) underWay.delete(lane);
  });
  wait(connection, length);
}

/** @throws {Disconnect} too much of what the client sent is not done */
function wait(connection: Connection, length: number): void {
  connection.waitingLength += length;
  if (connection.waitingLength > MAX_WAITING_LENGTH) throw TOO_MUCH_WAITING;
}

/** Never throws and never rejects: errors are answered. */
function attempt(node: Node, connection: Connection, message: ClientMessage): MaybePromise<void> {
  if (connection.isClosed) return;
  try {
    const done = dispatch(node, connection, message);
    if (done instanceof Promise) {
      return done.catch((error: unknown) => {
        // What the server could not do is not the client's doing.
        const units = isExpected(error) ? REFUSED : 0;
        answer(node, connection, expected(node, connection, message, error), units, message);
      });
    }
  } catch (error) {
    answer(node, connection, error, REFUSED, message);
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

function isExpected(error: unknown): error is PusherError | Disconnect {
  return error instanceof PusherError || error instanceof Disconnect;
}

/** A seam that fails costs the command which needed it, and nothing else: the client may try again. */
function expected(node: Node, connection: Connection, message: ClientMessage, error: unknown): Error {
  if (isExpected(error)) return error;
  node.observer.failed({ error, during: message.kind });
  const id = 'temporarily-unavailable';
  const advice = 'the server could not do it right now: try again later';
  if (message.kind === 'subscribe' && !connection.subscriptions.has(message.channel)) {
    const text = `Subscription to ${quote(message.channel, 200)} failed, ${advice}`;
    return new SubscriptionError(id, message.channel, 'ServerError', 503, text);
  }
  return new PusherError(id, `Your ${message.kind} failed in part or whole, ${advice}`);
}

/** @param units - what the error costs the client, where it is one of its own */
function answer(node: Node, connection: Connection, error: unknown, units = REFUSED, message?: ClientMessage): void {
  if (connection.isClosed) return;
  if (error instanceof PusherError) {
    if (!spend(node, connection, units)) return;
    if (error instanceof SubscriptionError) node.observer.subscriptionRefused?.({ connection, error });
    else node.observer.messageRefused?.({ connection, message, error });
    connection.transport.send(encodeError(error.code, error.message));
    if (error instanceof SubscriptionError && isNews(node, connection, error.channel)) {
      connection.transport.send(encodeSubscriptionError(error.channel, error.type, error.message, error.status));
    }
  } else if (error instanceof Disconnect) {
    node.end(connection, error);
  } else {
    node.observer.failed({ error, during: 'client message' });
    node.end(connection, INTERNAL_ERROR);
  }
}

/** On a channel that the client is in, a refusal would tell its handlers that it is not. */
function isNews({ options }: Node, { subscriptions }: Connection, channel: string): boolean {
  return options.subscriptionErrorEvent && !subscriptions.has(channel);
}

const TOO_MUCH_WAITING = new Disconnect('too-many-waiting', CLOSE_CODES.overCapacity, 'Too many messages at once');
/** What whoever met a bug is told; the log says more. */
export const INTERNAL_ERROR = new Disconnect('internal-error', CLOSE_CODES.overCapacity, 'Internal error');
