import type { Disconnect, PusherError, SubscriptionError } from '../protocol/errors.ts';
import type { App } from './app.ts';
import type { Connection } from './connection.ts';

/** The server ended a connection. */
export interface Disconnected {
  readonly connection: Connection;
  readonly reason: Disconnect;
}

/** A message of a client was answered with an error; the connection stays. */
export interface MessageRefused {
  readonly connection: Connection;
  readonly error: PusherError;
}

export interface SubscriptionRefused {
  readonly connection: Connection;
  readonly error: SubscriptionError;
}

/** The server ended a subscription; the connection stays. */
export interface Unsubscribed {
  readonly connection: Connection;
  readonly reason: SubscriptionError;
}

/** A backend's event was accepted. Channels are told together, as they came in one request. */
export interface Published {
  readonly app: App;
  readonly event: string;
  readonly channels: readonly string[];
  /** How many connections of this node are in the channels. */
  readonly receiversHere: number;
}

/** Something that can only be a bug, or a seam that failed. */
export interface Failed {
  readonly error: unknown;
  /** What was being done, in words of this program. */
  readonly during: string;
}

/** Everything that can happen on a node, with the facts that are told of it. */
export interface Facts {
  readonly disconnected: Disconnected;
  readonly messageRefused: MessageRefused;
  readonly subscriptionRefused: SubscriptionRefused;
  readonly unsubscribed: Unsubscribed;
  readonly published: Published;
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
        // Whoever can't even be told of a failure has nobody left to tell it to.
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
    disconnected: together('disconnected'),
    messageRefused: together('messageRefused'),
    subscriptionRefused: together('subscriptionRefused'),
    unsubscribed: together('unsubscribed'),
    published: together('published'),
    failed,
  };
}
