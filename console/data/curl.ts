import type { LiveFact } from '../../server/console/contract.ts';
import { pathOf } from './admin-api.ts';

interface AdminPort {
  /** `http://127.0.0.1:9601` */
  readonly origin: string;
  /** Whether one needs a token there. */
  readonly hasTokens: boolean;
}

/** A command that publishes the same event again, or shows what a fact is about; undefined: there is none. */
export function curlOf(fact: LiveFact, port: AdminPort): string | undefined {
  const { app, type, channel, channels = channel === undefined ? [] : [channel], socket, event } = fact;
  if (app === undefined) return undefined;
  if ((type === 'published' || type === 'client-event') && event !== undefined) {
    return curlOfEvent(app, { name: event, channels, data: fact.data ?? '' }, port);
  }
  if (type === 'webhook') return command(port, pathOf`/apps/${app}/webhooks`);
  if (socket !== undefined && type !== 'disconnected') return command(port, pathOf`/apps/${app}/connections/${socket}`);
  const [name] = channels;
  return command(port, name === undefined ? pathOf`/apps/${app}` : pathOf`/apps/${app}/channels/${name}`);
}

export interface NewEvent {
  readonly name: string;
  readonly channels: readonly string[];
  /** Text, mostly JSON. */
  readonly data: string;
}

export function curlOfEvent(app: string, event: NewEvent, port: AdminPort): string {
  const body = quote(JSON.stringify(event));
  return command(port, pathOf`/apps/${app}/events`, `-H 'Content-Type: application/json' \\\n  -d ${body}`);
}

function command({ origin, hasTokens }: AdminPort, path: string, more = ''): string {
  // The token itself must not be in a command line, which every user of a machine can see: docs/admin-api.md.
  const access = hasTokens ? '-H @admin.header' : "-H 'X-Kulkul-Admin: 1'";
  return ['curl -s', access, quote(`${origin}${path}`), more].filter(Boolean).join(' ');
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
