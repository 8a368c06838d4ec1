import { ApiError, CLOSE_CODES, Disconnect, SubscriptionError } from '../protocol/errors.ts';
import { SeamUnavailable } from './broker.ts';
import { type ConnectRequest, connect } from './connect.ts';
import type { Connection, Transport } from './connection.ts';
import { disconnect } from './disconnect.ts';
import type { Reader } from './feed.ts';
import { SIGN_OF_LIFE } from './frame-budget.ts';
import { after, type MaybePromise } from './maybe-promise.ts';
import type { Node } from './node.ts';
import type { Ending, VisitorFacts } from './observer.ts';
import { INTERNAL_ERROR, receiveFrame, receiveFromReader, receiveOther, receivePong } from './receive.ts';
import { PROOF_EVERY } from './uptake.ts';

/** Frames that are kept for a client that is not accepted yet; the protocol has nothing for it to send before. */
const MAX_EARLY_FRAMES = 16;

/** A client that arrives: what its transport does until it is accepted or refused. */
export interface Arrival {
  readonly visitor: VisitorFacts;
  readonly transport: Pick<Transport, 'isOpen' | 'close'>;
  /**
   * Finds out who comes, and calls `connect` of the session, by way of `openFeed` for a reader.
   *
   * @throws or rejects with the reason why the client is not let in
   */
  enter(session: Session): MaybePromise<void>;
  /** The client was accepted. */
  opened?(connection: Connection): void;
  /**
   * Tells the client that it is refused, and ends. Not called for one that is gone.
   *
   * @param reason - what `error` comes to
   */
  refuse(reason: Disconnect, error: unknown): void;
}

interface Arriving {
  readonly arrival: Arrival;
  readonly early: Buffer[];
  /** Set as soon as it is known that the client reads a feed. */
  reader: Reader | undefined;
}

/**
 * One client, from its arrival until it is gone, whatever carries its frames. Its transport
 * - MUST call `open` once, before anything else;
 * - MUST hand over what the client sends, in order;
 * - MUST call `gone` once when nothing can be sent any more, whoever ended it.
 */
export class Session {
  readonly #node: Node;
  #arriving: Arriving | undefined;
  #connection: Connection | undefined;
  /** Characters that were sent to this client alone since it was last asked whether it reads. */
  #unprovenLength = 0;

  constructor(node: Node) {
    this.#node = node;
  }

  /** Set once the client is in. It stays when the client is gone. */
  get connection(): Connection | undefined {
    return this.#connection;
  }

  /** Begins to accept the client. What it sends meanwhile is kept. */
  open(arrival: Arrival): void {
    this.#arriving = { arrival, early: [], reader: undefined };
    try {
      const entered = arrival.enter(this);
      if (entered instanceof Promise) {
        entered.then(
          () => this.#opened(arrival),
          (error: unknown) => this.#refuse(arrival, error),
        );
      } else {
        this.#opened(arrival);
      }
    } catch (error) {
      this.#refuse(arrival, error);
    }
  }

  /**
   * Lets the client in. To be called by `Arrival.enter`.
   *
   * @returns undefined when the client left meanwhile
   * @throws {Disconnect} or rejects with it: why not
   */
  connect(request: ConnectRequest, transport: Transport): MaybePromise<Connection | undefined> {
    if (!this.#arriving) return undefined;
    this.#arriving.reader = request.reader;
    return after(connect(this.#node, request, transport, this.#arriving.arrival.visitor), (connection) => {
      this.#connection = connection;
      return connection;
    });
  }

  /** Takes a message of the client. @param frame - its bytes, which may change after the call */
  receive(frame: Buffer): void {
    if (this.#arriving) {
      this.#keep(this.#arriving, frame);
      return;
    }
    const connection = this.#connection;
    if (!connection || connection.isClosed) return;
    this.#node.observer.received?.({ connection, frame });
    if (connection.reader) receiveFromReader(this.#node, connection, connection.reader, frame);
    else receiveFrame(this.#node, connection, frame);
  }

  /** Takes a mere sign of life, such as a WebSocket ping. */
  receiveSignOfLife(): void {
    if (this.#connection) receiveOther(this.#node, this.#connection, SIGN_OF_LIFE);
  }

  /** Takes the answer to `Transport.ping`, with its payload. */
  receivePong(payload: string): void {
    if (this.#connection) receivePong(this.#node, this.#connection, payload);
  }

  /** Notes a frame that `Transport.send` has sent. Who was sent much has to show that it reads. */
  sent(frame: string): void {
    const connection = this.#connection;
    this.#node.observer.sent?.({ connection, frame });
    this.#unprovenLength += frame.length;
    if (this.#unprovenLength < PROOF_EVERY) return;
    this.#unprovenLength = 0;
    if (connection) this.#node.uptake.ask(connection);
  }

  /** Removes the client from everything it is part of. */
  gone(ending: Ending): void {
    this.#arriving = undefined;
    if (this.#connection) disconnect(this.#node, this.#connection, ending);
  }

  #keep({ arrival, early, reader }: Arriving, frame: Buffer): void {
    if (reader && !reader.feed.echo) return;
    if (early.length < MAX_EARLY_FRAMES) early.push(Buffer.from(frame));
    else arrival.transport.close(CLOSE_CODES.overCapacity, 'Too many messages before the connection was established');
  }

  #opened(arrival: Arrival): void {
    const early = this.#arriving?.early ?? [];
    this.#arriving = undefined;
    const connection = this.#connection;
    if (!connection || connection.isClosed) return;
    arrival.opened?.(connection);
    for (const frame of early) this.receive(frame);
  }

  #refuse(arrival: Arrival, error: unknown): void {
    this.#arriving = undefined;
    const { observer } = this.#node;
    const reason = disconnectBy(error);
    // Whoever asks for what is no connection at all is answered as HTTP answers.
    const isOfHttp = error instanceof ApiError;
    if (!arrival.transport.isOpen) {
      // The client is gone, but not the bug.
      if (reason === INTERNAL_ERROR && !isOfHttp) observer.failed({ error, during: 'connecting' });
      return;
    }
    if (!isOfHttp) observer.refused?.({ visitor: arrival.visitor, reason, error });
    arrival.refuse(reason, error);
  }
}

/** Why a client is refused, by what was thrown; `INTERNAL_ERROR` for what can only be a bug. */
function disconnectBy(error: unknown): Disconnect {
  if (error instanceof Disconnect) return error;
  if (error instanceof SubscriptionError) {
    // The one channel of a feed, without which there is no connection.
    const code = error.status >= 500 ? CLOSE_CODES.overCapacity : CLOSE_CODES.unauthorized;
    return new Disconnect(error.id, code, error.message);
  }
  if (!(error instanceof SeamUnavailable)) return INTERNAL_ERROR;
  const text = `This server can't accept connections right now: ${error.told}. Try again in a moment`;
  return new Disconnect('temporarily-unavailable', CLOSE_CODES.overCapacity, text);
}
