/**
 * What the admin API and the console's page tell each other beyond apps and webhooks (docs/admin-api.md): types of JSON answers and of Server-Sent
 * Events. Times are ISO 8601 in UTC. The page imports these types, so nothing else is in this file.
 */

export type Access = 'read' | 'all';

/** `GET` and `POST /console/session` (with `{ "token": "…" }`). Without a session where one is needed: 401. */
export interface ConsoleSession {
  /** Of the token; `this machine` where none is needed. */
  readonly name: string;
  readonly access: Access;
  /** Ids of the apps that one may see; null: all. */
  readonly apps: readonly string[] | null;
  /** When one has to sign in again; null where nobody has to. */
  readonly expires: string | null;
}

/** `DELETE /console/session` */
export interface SessionEnded {
  readonly ended: true;
}

/** `GET /nodes` */
export interface NodeList {
  /** Workers are nodes, too. */
  readonly nodes: readonly NodeReport[];
}

export interface NodeReport {
  /** Unique while it runs. */
  readonly id: string;
  /** `silent`: it did not answer within two seconds; nothing below is known of it then but its id. */
  readonly state: 'ready' | 'not-ready' | 'stopping' | 'silent';
  /** Why it is in this state, or what works less well. */
  readonly reason: string;
  readonly host: string;
  readonly pid: number;
  /** Number of the worker, from 1; null where there are no workers. */
  readonly worker: number | null;
  readonly version: string;
  readonly since: string;
  /** Null of a silent node. */
  readonly figures: NodeFigures | null;
}

export interface NodeFigures {
  /** Of the apps that the session may see. */
  readonly connections: number;
  readonly channels: number;
  readonly subscriptions: number;
  /** Averages since the report before; null as long as nobody watches. Of the apps that the session may see. */
  readonly perSecond: Rates | null;
  /** The longest that the event loop was late of late, in milliseconds. */
  readonly eventLoopDelayMs: number;
  /** Part of the time that the event loop was busy: 0 to 1. */
  readonly eventLoopUtilization: number;
  readonly residentBytes: number;
  /** Part of the heap that may be used: 0 to 1. */
  readonly heapShare: number;
  /** What connects the nodes; null where there is none. */
  readonly redis: { readonly isReached: boolean; readonly detail: string } | null;
  /** When the certificate that it serves ends; null without TLS. */
  readonly certificateExpires: string | null;
}

export interface Rates {
  /** Messages from clients. */
  readonly received: number;
  /** Events from backends and clients that were accepted, counted once for each channel. */
  readonly published: number;
  /** Frames handed to connections because of them. */
  readonly delivered: number;
}

/** Names of events of `GET /live`, with their data. */
export interface LiveEvents {
  readonly happened: LiveBatch;
  readonly skipped: LiveSkipped;
  /** Once a second. */
  readonly figures: LiveFigures;
}

/** Query of `GET /live`. What is left out does not matter; a fact must meet all that is there. */
export interface LiveFilter {
  readonly app?: string;
  /** Several: joined by commas. */
  readonly type?: string;
  /** A name, or a pattern with `*`. */
  readonly channel?: string;
  /** Likewise. */
  readonly event?: string;
  readonly socket?: string;
  /** Anywhere in the fact, whatever its case. */
  readonly text?: string;
}

export interface LiveBatch {
  readonly facts: readonly LiveFact[];
}

/** More happened than is shown. */
export interface LiveSkipped {
  readonly count: number;
}

export interface LiveFigures {
  readonly time: string;
  readonly nodes: readonly NodeReport[];
}

export type LiveType =
  | 'connected'
  | 'refused'
  | 'disconnected'
  | 'subscribed'
  | 'subscription-refused'
  | 'unsubscribed'
  | 'signed-in'
  | 'signed-out'
  | 'published'
  | 'publish-refused'
  | 'client-event'
  | 'message-refused'
  | 'cache-missed'
  | 'webhook'
  | 'audit';

/** Something that happened. What does not apply is absent. Long texts are cut off. */
export interface LiveFact {
  readonly type: LiveType;
  readonly time: string;
  /** Id of the node where it happened. */
  readonly node: string;
  /** Id of the app; absent where it is not known. */
  readonly app?: string;
  readonly socket?: string;
  readonly user?: string;
  readonly channel?: string;
  /** Of an event for several channels. */
  readonly channels?: readonly string[];
  readonly event?: string;
  /** As it was sent: often JSON. The first 4,096 characters. */
  readonly data?: string;
  /** Of the data in whole. */
  readonly bytes?: number;
  /** Connections of this node that an event was for. */
  readonly receivers?: number;
  readonly origin?: string;
  readonly ip?: string;
  readonly userAgent?: string;
  /** Close code, or status of HTTP. */
  readonly code?: number;
  /** Id of the reason, as in docs/errors.md. */
  readonly cause?: string;
  /** The reason for people. */
  readonly reason?: string;
  /** Id of a webhook. */
  readonly webhook?: string;
  /** Names of the events that a webhook was told. */
  readonly events?: readonly string[];
  readonly attempt?: number;
  readonly durationMs?: number;
  /** Whether a webhook accepted what it was sent. */
  readonly isAccepted?: boolean;
  /** Who changed something: the name of a token. */
  readonly who?: string;
  /** What was changed. */
  readonly what?: string;
}

export type ChannelKindName =
  | 'public'
  | 'private'
  | 'private-encrypted'
  | 'presence'
  | 'cache'
  | 'private-cache'
  | 'private-encrypted-cache'
  | 'presence-cache';

/** `GET /apps/:id/channels?prefix&kind&limit&after`: occupied channels by name. */
export interface ChannelPage {
  readonly channels: readonly ChannelRow[];
  /** Of those that match. */
  readonly total: number;
  /** For `after` of the next page; null: this is the last. */
  readonly next: string | null;
}

export interface ChannelRow {
  readonly name: string;
  readonly kind: ChannelKindName;
  readonly subscriptions: number;
  /** Null of a channel that is no presence channel. */
  readonly users: number | null;
}

/** `GET /apps/:id/channels/:channel?limit&after`, also of a channel that nobody is in. */
export interface ChannelDetail extends ChannelRow {
  /** Of a presence channel; null of others, whose sockets are found by `GET /apps/:id/connections?channel=…`. */
  readonly members: MemberPage | null;
  /** Null: there is none, or it is not kept. */
  readonly lastEvent: LastEventRow | null;
  /** Whether the channel keeps its last event. */
  readonly keepsLastEvent: boolean;
}

export interface MemberPage {
  readonly members: readonly MemberRow[];
  readonly total: number;
  readonly next: string | null;
}

export interface MemberRow {
  readonly id: string;
  /** As JSON text; null: none. */
  readonly info: string | null;
}

export interface LastEventRow {
  readonly event: string;
  /** The first 4,096 characters. */
  readonly data: string;
  readonly bytes: number;
  readonly remainingSeconds: number;
}

/** `GET /apps/:id/connections?socket&user&channel&limit&after`: by socket id. */
export interface ConnectionPage {
  readonly connections: readonly ConnectionRow[];
  /** Of those that match, on nodes that answered. */
  readonly total: number;
  readonly next: string | null;
  /** Nodes that did not answer: their connections are missing. */
  readonly silent: readonly string[];
}

export interface ConnectionRow {
  readonly socket: string;
  readonly node: string;
  readonly since: string;
  /** '' where the client sent none. */
  readonly origin: string;
  /** Of the signed-in user. */
  readonly user: string | null;
  readonly subscriptions: number;
  readonly bufferedBytes: number;
  /** What the client reads a feed with has no protocol. */
  readonly readsFeed: boolean;
}

/** `GET /apps/:id/connections/:socket`; 404 where there is none. */
export interface ConnectionDetail extends ConnectionRow {
  /** The app's key that it came with. */
  readonly key: string;
  readonly lastReceived: string;
  /** The first 500. */
  readonly channels: readonly ConnectionChannel[];
  readonly lastRefusal: LastRefusal | null;
}

export interface ConnectionChannel {
  readonly name: string;
  readonly kind: ChannelKindName;
  /** Who it is in a presence channel. */
  readonly user: string | null;
}

export interface LastRefusal {
  readonly time: string;
  readonly cause: string;
  readonly reason: string;
  readonly channel: string | null;
}

/** `POST /apps/:id/connections/:socket/disconnect` */
export interface Disconnected {
  readonly disconnected: true;
}

/** `POST /apps/:id/connections/:socket/unsubscribe` with `{ "channel" }` */
export interface Unsubscribed {
  readonly unsubscribed: true;
}

/** `POST /apps/:id/events`, the same body as the HTTP API's: `{ "name", "data", "channels", "info" }`. */
export interface EventPublished {
  /** By name, where `info` asks for something. */
  readonly channels?: Readonly<
    Record<string, { readonly receivers?: { readonly connections: number; readonly nodes: number } }>
  >;
}
