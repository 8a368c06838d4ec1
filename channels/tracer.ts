import type { BrokerMessage } from './broker.ts';
import type { MaybePromise } from './maybe-promise.ts';

/** A step of a trace that is recorded, from its start to `end`. */
export interface Span {
  /** By which what follows is part of the trace, on other nodes too: `traceparent` of W3C Trace Context. */
  readonly traceparent: string;
  set(attributes: SpanAttributes): void;
  fail(error: unknown): void;
  end(): void;
}

export type SpanAttributes = Readonly<Record<string, string | number>>;

export interface SpanOptions {
  readonly kind: 'server' | 'client' | 'producer' | 'consumer';
  /** `traceparent` of the step before; undefined or malformed: a trace begins. */
  readonly parent: string | undefined;
  /** Further steps that led to this one. */
  readonly links?: readonly string[];
  readonly attributes: SpanAttributes;
  /** Milliseconds since 1970; default: now. */
  readonly startMs?: number | undefined;
}

/** Records what becomes of an event: there is none unless the operator wants traces. */
export interface Tracer {
  /** @returns undefined where the trace is not recorded, so that nothing that follows is either */
  start(name: string, options: SpanOptions): Span | undefined;
}

/** Does some work, and ends a span with what comes of it. */
export function within<T>(span: Span, work: () => MaybePromise<T>): MaybePromise<T> {
  const failed = (error: unknown): never => {
    span.fail(error);
    span.end();
    throw error;
  };
  try {
    const result = work();
    if (!(result instanceof Promise)) {
      span.end();
      return result;
    }
    return result.then((value) => {
      span.end();
      return value;
    }, failed);
  } catch (error) {
    return failed(error);
  }
}

/**
 * Hands a message to the broker as a step of a trace, which goes on where the message is delivered.
 *
 * @param name - of the step
 * @param parent - `traceparent` of the step before
 */
export function sendTraced<T>(
  tracer: Tracer,
  name: string,
  parent: string | undefined,
  message: BrokerMessage,
  send: (message: BrokerMessage) => MaybePromise<T>,
): MaybePromise<T> {
  const span = tracer.start(name, {
    kind: 'producer',
    parent,
    attributes: { ...attributesOf(message), 'messaging.operation.name': 'publish', 'messaging.operation.type': 'send' },
  });
  if (!span) return send(message);
  const { traceparent } = span;
  const { webhookEvent } = message;
  const traced = { ...message, traceparent, webhookEvent: webhookEvent && { ...webhookEvent, traceparent } };
  return within(span, () => send(traced));
}

/** Names as OpenTelemetry has them for messaging. */
export function attributesOf({ appId, channel }: BrokerMessage): SpanAttributes {
  return { 'messaging.system': 'kulkul', 'messaging.destination.name': channel, 'kulkul.app': appId };
}
