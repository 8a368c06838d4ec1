import { parseParams, type RequestParams } from '../auth/request-params.ts';
import type { App } from '../channels/app.ts';
import type { Transport } from '../channels/connection.ts';
import type { Feed, Reader } from '../channels/feed.ts';
import { after, type MaybePromise } from '../channels/maybe-promise.ts';
import type { Node } from '../channels/node.ts';
import { type FeedRequest, openFeed } from '../channels/open-feed.ts';
import type { Session } from '../channels/session.ts';
import { parseConnectionPath } from '../protocol/handshake.ts';
import { encodeError } from '../protocol/server-message.ts';
import type { AppDirectory, FoundFeed } from './apps/app-directory.ts';
import { type OpenConnections, OVER_CAPACITY } from './open-connections.ts';
import type { Visitor } from './visitor.ts';

export interface EntranceParts {
  readonly node: Node;
  readonly apps: AppDirectory;
  readonly pathPrefix: string;
  readonly connections: OpenConnections;
}

/** The way in of clients, for every transport: finds what they come for and has them let in. */
export class Entrance {
  readonly #parts: EntranceParts;
  readonly #appPath: string;

  constructor(parts: EntranceParts) {
    this.#parts = parts;
    this.#appPath = `${parts.pathPrefix}/app/`;
  }

  /**
   * Lets in whom the path is for: a client of the protocol, or the reader of a feed.
   *
   * @param asReader - the transport for a reader
   */
  open(session: Session, visitor: Visitor, transport: Transport, asReader: (feed: Feed) => Transport & Reader): void {
    const { path } = visitor;
    const isOfPusher = path.startsWith(this.#appPath);
    session.open({
      visitor,
      transport,
      enter: () => {
        this.checkRoom();
        if (isOfPusher) return this.#connect(session, visitor, transport);
        return after(this.#parts.apps.feedAt(path), (found) =>
          found ? this.read(session, visitor, found, asReader(found.feed)) : this.#connect(session, visitor, transport),
        );
      },
      refuse: (reason) => {
        // Where it could not be told whether there is a feed, the client may be a reader.
        if (isOfPusher || reason.id === 'path-not-found') transport.send(encodeError(reason.code, reason.message));
        transport.close(reason.code, reason.message);
      },
    });
  }

  /** Lets in the reader of a feed. */
  read(session: Session, visitor: Visitor, { app }: FoundFeed, transport: Transport & Reader): MaybePromise<void> {
    return openFeed(this.#parts.node, session, feedRequest(app, visitor), transport);
  }

  /** @throws {Disconnect} 4100: no more clients are taken */
  checkRoom(): void {
    if (this.#parts.connections.isCrowded) throw OVER_CAPACITY;
  }

  #connect(session: Session, visitor: Visitor, transport: Transport): MaybePromise<void> {
    const { apps, pathPrefix } = this.#parts;
    const appKey = decodeKey(parseConnectionPath(visitor.path, pathPrefix));
    const { single } = parseParams(visitor.query);
    const request = {
      appKey,
      protocol: single.get('protocol'),
      version: single.get('version'),
      origin: originOf(visitor),
      isTls: visitor.isTls,
    };
    return after(apps.byKey(appKey), (app) => after(session.connect({ ...request, app }, transport), () => {}));
  }
}

/** What a visitor brings who wants to read a feed of an app. */
export function feedRequest(app: App, visitor: Visitor): FeedRequest {
  const token = readerToken(visitor.authorization, parseParams(visitor.query));
  return { app, token, isTls: visitor.isTls, origin: originOf(visitor) };
}

/** The token of a reader, from its header or its URL: EventSource and browsers' WebSockets can't send headers. */
export function readerToken(authorization: string, { single }: RequestParams): string | undefined {
  const [, bearer] = /^Bearer +(\S.*)$/i.exec(authorization) ?? [];
  // A page that has no token leaves the place empty.
  return bearer ?? (single.get('token') || undefined);
}

function originOf({ origin }: Visitor): string | undefined {
  return origin === '' ? undefined : origin;
}

function decodeKey(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}
