import { foreign } from '../log.ts';
import { table } from './table.ts';

/** As the admin API shows a webhook. */
export interface ShownWebhook {
  readonly id: string;
  readonly url: string;
  readonly eventTypes: readonly string[];
  readonly waiting: number;
  readonly oldest?: string;
  readonly attempts: number;
  readonly delivered: number;
  readonly deadLetters: number;
  readonly lastAttempt?: string;
  readonly lastStatus?: number;
  readonly lastError?: string;
  readonly removed?: true;
}

export interface ShownLetter {
  readonly id: string;
  readonly event: { readonly name: string; readonly channel: string; readonly user_id?: string };
  readonly time: string;
  readonly attempts: number;
  readonly error: string;
}

export interface ShownTest {
  readonly accepted: boolean;
  readonly milliseconds: number;
  readonly request: { readonly url: string; readonly headers: Readonly<Record<string, string>>; readonly body: string };
  readonly answer?: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
  };
  readonly error?: string;
}

export function webhooksText(appId: string, webhooks: readonly ShownWebhook[], nowMs: number): string {
  if (webhooks.length === 0) return `The app ${appId} has no webhooks.\n`;
  return webhooks.map((webhook) => webhookText(webhook, nowMs)).join('\n');
}

function webhookText(webhook: ShownWebhook, nowMs: number): string {
  const { id, url, eventTypes, waiting, oldest, delivered, deadLetters, removed } = webhook;
  const rows: readonly (readonly [string, string])[] = [
    ['for', removed ? 'nothing: the app has it no longer' : eventTypes.join(', ')],
    ['delivered', events(delivered)],
    ['waiting', oldest === undefined ? events(waiting) : `${events(waiting)}, the oldest for ${ago(oldest, nowMs)}`],
    ['dead letters', String(deadLetters)],
    ['last attempt', attemptText(webhook, nowMs)],
  ];
  const lines = rows.map(([name, text]) => `  ${name.padEnd(14)}${text}`);
  return `${[`${id}  ${foreign(url)}`, ...lines].join('\n')}\n`;
}

function attemptText({ lastAttempt, lastStatus, lastError = 'under way' }: ShownWebhook, nowMs: number): string {
  if (lastAttempt === undefined) return 'none';
  const isAccepted = lastStatus !== undefined && lastStatus >= 200 && lastStatus <= 299;
  return `${ago(lastAttempt, nowMs)} ago: ${isAccepted ? `accepted (${lastStatus})` : foreign(lastError)}`;
}

export function lettersText(webhook: ShownWebhook, total: number, letters: readonly ShownLetter[]): string {
  if (total === 0) return `No dead letters of ${foreign(webhook.url)}.\n`;
  const rows = letters.map(({ id, event, time, attempts, error }) => [
    id,
    time.replace('T', ' ').replace(/\.\d+Z$/, 'Z'),
    event.name,
    foreign(event.channel === '' ? (event.user_id ?? '') : event.channel, 60),
    `${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}: ${foreign(error)}`,
  ]);
  const more = total > letters.length ? `\n… and ${total - letters.length} more (--limit)\n` : '';
  return `${table([['ID', 'TIME', 'EVENT', 'CHANNEL OR USER', 'WHY'], ...rows])}${more}`;
}

/** Like what goes over the wire, to be compared with what an application logs. */
export function testText({ accepted, milliseconds, request, answer, error }: ShownTest): string {
  const sent = [
    `> POST ${foreign(request.url)}`,
    ...headerLines('>', request.headers),
    '>',
    ...bodyLines('>', request.body),
  ];
  const received = answer
    ? [
        `< ${answer.status}`,
        ...headerLines('<', answer.headers),
        ...(answer.body === '' ? [] : ['<', ...bodyLines('<', answer.body)]),
      ]
    : [];
  const why = answer ? `it answered ${answer.status}` : foreign(error ?? '');
  const verdict = accepted ? 'Accepted' : `Not accepted: ${why}`;
  return `${[...sent, '', ...received, ...(answer ? [''] : []), `${verdict} (${Math.round(milliseconds)} ms).`].join('\n')}\n`;
}

function headerLines(sign: string, headers: Readonly<Record<string, string>>): string[] {
  return Object.entries(headers).map(([name, value]) => `${sign} ${foreign(name)}: ${foreign(value, 500)}`);
}

function bodyLines(sign: string, body: string): string[] {
  return body.split('\n').map((line) => `${sign} ${foreign(line, 2000)}`.trimEnd());
}

export function events(count: number): string {
  return `${count} ${count === 1 ? 'event' : 'events'}`;
}

function ago(time: string, nowMs: number): string {
  const seconds = Math.max(0, Math.round((nowMs - Date.parse(time)) / 1000));
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}
