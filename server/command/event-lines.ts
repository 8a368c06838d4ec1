import { parseJson } from '../../protocol/json.ts';
import { foreign } from '../log.ts';
import type { Colours } from './colours.ts';

export interface ShownEvent {
  readonly time: Date;
  readonly channel?: string;
  readonly event: string;
  /** JSON or any text. */
  readonly data: string;
  readonly userId?: string;
}

/** One line for programs. A payload that is JSON stands there as it was sent: JavaScript would change large numbers. */
export function jsonLine({ time, channel, event, data, userId }: ShownEvent): string {
  const fields = [
    `"time":${JSON.stringify(time)}`,
    ...(channel === undefined ? [] : [`"channel":${JSON.stringify(channel)}`]),
    `"event":${JSON.stringify(event)}`,
    `"data":${asOneLine(data)}`,
    ...(userId === undefined ? [] : [`"user_id":${JSON.stringify(userId)}`]),
  ];
  return `{${fields.join(',')}}\n`;
}

/** Line ends in JSON are space between its parts: within texts they are escaped. */
function asOneLine(data: string): string {
  return parseJson(data) === undefined ? JSON.stringify(data) : data.replace(/[\r\n]+/g, ' ');
}

const MAX_DATA_LENGTH = 10_000;

/** One line for people. What a terminal might interpret is escaped. */
export function prettyLine({ time, channel = '', event, data, userId }: ShownEvent, colours: Colours): string {
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map((part) => String(part).padStart(2, '0'));
  const isOwn = event.startsWith('pusher:');
  const parts = [
    colours.dim(clock.join(':')),
    colours.cyan(foreign(channel)),
    isOwn ? colours.dim(foreign(event)) : colours.bold(foreign(event)),
    ...(userId === undefined ? [] : [`by ${foreign(userId)}`]),
    isOwn ? colours.dim(foreign(data, MAX_DATA_LENGTH)) : foreign(data, MAX_DATA_LENGTH),
  ];
  return `${parts.join('  ').trimEnd()}\n`;
}
