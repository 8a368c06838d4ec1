import { createHash } from 'node:crypto';
import type { FeedFormat } from '../../channels/feed.ts';
import { isJsonObject, memberText, parseJson } from '../../protocol/json.ts';

/** An event as the readers of feeds get it. Each text is made when the first reader wants it, whatever their number. */
export class FeedEvent {
  /** Tells EventSource which event it has; undefined: its reader is no further with it. */
  readonly id: string | undefined;
  readonly #event: string;
  readonly #channel: string;
  readonly #data: string;
  readonly #texts = new Map<FeedFormat, string>();
  readonly #records = new Map<FeedFormat, Uint8Array>();

  private constructor(event: string, channel: string, data: string, id: string | undefined) {
    this.#event = event;
    this.#channel = channel;
    this.#data = data;
    this.id = id;
  }

  /**
   * @param frame - as for Pusher's clients
   * @returns undefined for what the protocol says by itself, such as the number of subscribers
   */
  static from(frame: string, id: string | undefined): FeedEvent | undefined {
    const message = parseJson(frame);
    if (!isJsonObject(message)) return undefined;
    const { event, channel, data } = message;
    if (typeof event !== 'string' || typeof channel !== 'string' || isProtocolEvent(event)) return undefined;
    const text = typeof data === 'string' ? data : (memberText(frame, 'data') ?? 'null');
    return new FeedEvent(event, channel, wellFormed(text), id);
  }

  /** A message for a WebSocket. */
  text(format: FeedFormat): string {
    const known = this.#texts.get(format);
    if (known !== undefined) return known;
    const text = format === 'data' ? this.#data : this.#envelope();
    this.#texts.set(format, text);
    return text;
  }

  /**
   * A record for EventSource, in UTF-8.
   *
   * @see HTML Standard, "Server-sent events": each line of the data is a field of its own
   */
  record(format: FeedFormat): Uint8Array {
    const known = this.#records.get(format);
    if (known !== undefined) return known;
    const lines = this.text(format).split(LINE_END);
    const fields = [
      ...(this.id === undefined ? [] : [`id: ${this.id}`]),
      `event: ${this.#event.replace(/[\r\n]+/g, ' ')}`,
      ...lines.map((line) => `data: ${line}`),
    ];
    const record = Buffer.from(`${fields.join('\n')}\n\n`);
    this.#records.set(format, record);
    return record;
  }

  /** Data that is JSON stands there as such: a reader parses once. */
  #envelope(): string {
    const isJson = parseJson(this.#data) !== undefined;
    const data = isJson ? this.#data : JSON.stringify(this.#data);
    return `{"event":${JSON.stringify(this.#event)},"channel":${JSON.stringify(this.#channel)},"data":${data}}`;
  }
}

/**
 * The id of an event that its channel keeps. It is the same on all nodes; of another event it is never, not even when positions
 * begin anew because Redis lost its data.
 */
export function keptEventId(frame: string, position: number): string {
  return `${position}-${createHash('sha1').update(frame).digest('base64url').slice(0, 10)}`;
}

/** A comment, which no reader sees. */
export const COMMENT = Buffer.from(':\n\n');

/** A record without a name, which EventSource hands to `onmessage`. @param text - on one line */
export function encodeMessage(text: string): Uint8Array {
  return Buffer.from(`data: ${text}\n\n`);
}

/** @param reason - of which people who look at the stream shall know */
export function encodeComment(reason: string): string {
  return `: ${reason.replace(/[\r\n]+/g, ' ')}\n\n`;
}

/** A half of a surrogate pair, which JSON may spell out, is no text: clients end a WebSocket over which it comes. */
function wellFormed(text: string): string {
  return /\p{Cs}/u.test(text) ? Buffer.from(text).toString() : text;
}

const LINE_END = /\r\n|\r|\n/;

/** Applications can't use such names. */
function isProtocolEvent(name: string): boolean {
  return name.startsWith('pusher:') || name.startsWith('pusher_internal:');
}
