import type { Grant, TokenError } from '../auth/grant.ts';
import type { ChannelKind } from '../protocol/channel-name.ts';
import type { ClientMessage } from '../protocol/client-message.ts';
import type { ApiError, Disconnect, PusherError, SubscriptionError } from '../protocol/errors.ts';
import type { WireMember } from '../protocol/server-message.ts';
import type { App } from './app.ts';
import type { Connection, SignedInUser } from './connection.ts';
import type { Edge } from './edge.ts';
import type { LocalChannel } from './local-channel.ts';

/** Who comes, and from where. Texts are '' where the request says nothing. */
export interface VisitorFacts {
  /** Of the URL, without the query. */
  readonly path: string;
  readonly ip: string;
  readonly forwardedFor: string;
  readonly origin: string;
  readonly userAgent: string;
}

export interface Connected {
  readonly connection: Connection;
  readonly visitor: VisitorFacts;
}

/** A client was not let in. The reader of a feed may have been connected before, until its channel refused it. */
export interface Refused {
  readonly visitor: VisitorFacts;
  readonly reason: Disconnect;
  /** What was thrown: the reason itself, or what it comes from. */
  readonly error: unknown;
}

/** How a connection ended. */
export interface Ending {
  /** Of the close frame, or of the reason where the server cut off a client that does not read; else 1006. */
  readonly code: number;
  /** Text of the close frame. */
  readonly reason: string;
  /** Stable id of the reason, where the server ended it; undefined: the client or the network did. */
  readonly cause: string | undefined;
}

/** Told once for each `connected`, after the ends of its subscriptions and its sign-in. */
export interface Disconnected extends Ending {
  readonly connection: Connection;
}

/** A message came, before anything is done about it. */
export interface Received {
  readonly connection: Connection;
  /** Its bytes as they came, which hold only during the call. */
  readonly frame: Buffer;
}

/** A frame was sent to one client alone. Those of a channel are told as `delivered`. */
export interface Sent {
  /** Undefined for the first frame of a client, and where it is refused. */
  readonly connection: Connection | undefined;
  readonly frame: string;
}

/** A message of a client was answered with an error; the connection stays. */
export interface MessageRefused {
  readonly connection: Connection;
  /** Undefined where it could not be read, or is answered later. */
  readonly message: ClientMessage | undefined;
  readonly error: PusherError;
}

export interface SubscriptionRefused {
  readonly connection: Connection;
  readonly error: SubscriptionError;
}

export interface Subscribed {
  readonly connection: Connection;
  readonly channel: LocalChannel;
  /** Who the connection is in a presence channel. */
  readonly member: WireMember | undefined;
}

/** Told once for each `subscribed`, for those of a connection that ends, too. */
export interface Unsubscribed {
  readonly connection: Connection;
  readonly channel: LocalChannel;
  readonly member: WireMember | undefined;
  /** Why the server ended the subscription; undefined: the client did, or it is gone. */
  readonly reason: SubscriptionError | undefined;
}

/** The connection belongs to a user. Not told again when the same user signs in anew. */
export interface SignedIn {
  readonly connection: Connection;
  readonly user: SignedInUser;
}

/** Told once for each `signedIn`. */
export type SignedOut = SignedIn;

/** Who makes a request to publish. */
export interface Publisher {
  /** Undefined where nobody wants to know. */
  readonly visitor: VisitorFacts | undefined;
  /** Of the token that was used; undefined: the request is signed. */
  readonly grant: Grant | undefined;
}

/** A backend's event was accepted, for all channels that it named. */
export interface Published {
  readonly app: App;
  readonly publisher: Publisher | undefined;
  readonly event: string;
  /** A string as it was sent; anything else as the JSON text that was sent. */
  readonly data: string;
  readonly channelNames: readonly string[];
  /** Length of the data in UTF-8. Counted when it is asked for. */
  readonly bytes: number;
  /** In the order of their names above. Looked up when they are asked for, which must be during the call. */
  readonly channels: readonly PublishedChannel[];
}

export interface PublishedChannel {
  readonly name: string;
  readonly kind: ChannelKind;
  /** Connections of this node that it was for. */
  readonly receiversHere: number;
}

/** A request to publish was refused: nobody receives any of it. */
export interface PublishRefused {
  readonly app: App;
  readonly publisher: Publisher;
  /** Names as far as the request could be read. They are untrusted, in number and length too. */
  readonly events: readonly string[];
  readonly channels: readonly string[];
  /** Length of the body. */
  readonly bytes: number;
  readonly error: ApiError | TokenError;
}

/** A client's event was accepted. */
export interface ClientEventSent {
  readonly connection: Connection;
  readonly channel: LocalChannel;
  readonly event: string;
  /** A string as it was sent; anything else as the JSON text that was sent. */
  readonly data: string;
  /** The sender, in a presence channel. */
  readonly userId: string | undefined;
  /** Connections of this node that it was for. */
  readonly receiversHere: number;
}

/** Who subscribed to a cache channel got no last event, as there is none. */
export interface CacheMissed {
  readonly connection: Connection;
  readonly channel: LocalChannel;
}

/** A frame was handed to the connections of this node that are in a channel, whoever published it and wherever. */
export interface Delivered {
  readonly channel: LocalChannel;
  /** As clients receive it. */
  readonly frame: string;
  readonly receivers: number;
  /** When it was published, as the broker's message says; undefined: its way is not timed. */
  readonly publishedMs: number | undefined;
}

/** Something that can only be a bug, or a seam that failed. */
export interface Failed {
  readonly error: unknown;
  /** What was being done, in words of this program. */
  readonly during: string;
}

/** Everything that can happen on a node, with the facts that are told of it. */
export interface Facts {
  readonly connected: Connected;
  readonly refused: Refused;
  readonly disconnected: Disconnected;
  readonly received: Received;
  readonly sent: Sent;
  readonly messageRefused: MessageRefused;
  readonly subscribed: Subscribed;
  readonly subscriptionRefused: SubscriptionRefused;
  readonly unsubscribed: Unsubscribed;
  readonly signedIn: SignedIn;
  readonly signedOut: SignedOut;
  readonly published: Published;
  readonly publishRefused: PublishRefused;
  readonly clientEvent: ClientEventSent;
  readonly delivered: Delivered;
  readonly cacheMissed: CacheMissed;
  /** Of the whole cluster, told by one of its nodes. */
  readonly edge: Edge;
  readonly failed: Failed;
}

/**
 * Is told what happened on a node, afterwards and in order. It implements what it wants to know; for what nobody wants to know, nothing is
 * done at all.
 *
 * An implementation
 * - MUST return quickly and without a promise: clients wait meanwhile;
 * - MUST NOT change what it is handed, nor call use cases of the node before it has returned;
 * - may keep the connection and the channel of a fact no longer than the node does;
 * - may throw: the error is told as `failed`, and the other observers are told all the same.
 */
export type Observer = { readonly [Name in keyof Facts]?: ((fact: Facts[Name]) => void) | undefined };

/** All observers of a node as one. Failures always have somewhere to go. */
export type ComposedObserver = { readonly [Name in keyof Facts]: Observer[Name] } & {
  failed(failure: Failed): void;
};

/** Makes one observer of several. What none of them wants to know is undefined: `observer.published?.({ … })` then builds nothing. */
export function composeObservers(observers: readonly Observer[]): ComposedObserver {
  const failed = (failure: Failed): void => {
    for (const observer of observers) {
      try {
        observer.failed?.(failure);
      } catch {
        // If the failure itself can't be reported, there is nobody left to report it to.
      }
    }
  };
  const together = <Name extends keyof Facts>(name: Name): ((fact: Facts[Name]) => void) | undefined => {
    const interested = observers.filter((observer) => observer[name] !== undefined);
    if (interested.length === 0) return undefined;
    return (fact) => {
      for (const observer of interested) {
        try {
          observer[name]?.(fact);
        } catch (error) {
          failed({ error, during: `observer.${name}` });
        }
      }
    };
  };
  return {
    connected: together('connected'),
    refused: together('refused'),
    disconnected: together('disconnected'),
    received: together('received'),
    sent: together('sent'),
    messageRefused: together('messageRefused'),
    subscribed: together('subscribed'),
    subscriptionRefused: together('subscriptionRefused'),
    unsubscribed: together('unsubscribed'),
    signedIn: together('signedIn'),
    signedOut: together('signedOut'),
    published: together('published'),
    publishRefused: together('publishRefused'),
    clientEvent: together('clientEvent'),
    delivered: together('delivered'),
    cacheMissed: together('cacheMissed'),
    edge: together('edge'),
    failed,
  };
}
