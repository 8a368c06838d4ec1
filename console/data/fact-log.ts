import { type Signal, signal } from '@preact/signals';
import type { LiveBatch, LiveFact, LiveFilter, LiveSkipped, LiveType } from '../../server/console/contract.ts';

/** What is done with the facts of a view's filter. */
export interface FactReader {
  happened(batch: LiveBatch): void;
  skipped(skipped: LiveSkipped): void;
}

/** A fact in the order in which it came. */
export interface LoggedFact {
  readonly number: number;
  readonly fact: LiveFact;
}

export const MOST_KEPT = 1000;

/** The last facts, newest first. */
export class FactLog implements FactReader {
  readonly rows: Signal<readonly LoggedFact[]> = signal([]);
  /** Facts that nodes left out since the log was cleared. */
  readonly left: Signal<number> = signal(0);
  /** Of the newest fact: how many there have been. */
  #last = 0;

  get last(): number {
    return this.#last;
  }

  happened({ facts }: LiveBatch): void {
    const rows = facts.slice(-MOST_KEPT).map((fact) => {
      this.#last += 1;
      return { number: this.#last, fact };
    });
    this.rows.value = [...rows.reverse(), ...this.rows.peek()].slice(0, MOST_KEPT);
  }

  skipped({ count }: LiveSkipped): void {
    this.left.value = this.left.peek() + count;
  }

  clear(): void {
    this.rows.value = [];
    this.left.value = 0;
  }
}

export interface TypeGroup {
  readonly id: string;
  readonly title: string;
  readonly types: readonly LiveType[];
}

export const TYPE_GROUPS: readonly TypeGroup[] = [
  { id: 'events', title: 'Events', types: ['published', 'client-event'] },
  { id: 'subscriptions', title: 'Subscriptions', types: ['subscribed', 'unsubscribed', 'cache-missed'] },
  { id: 'connections', title: 'Connections', types: ['connected', 'disconnected'] },
  { id: 'users', title: 'Users', types: ['signed-in', 'signed-out'] },
  {
    id: 'refusals',
    title: 'Refusals',
    types: ['refused', 'subscription-refused', 'publish-refused', 'message-refused'],
  },
  { id: 'webhooks', title: 'Webhooks', types: ['webhook'] },
  { id: 'changes', title: 'Changes', types: ['audit'] },
];

/** Whether a fact that was sent under an older filter meets the one of now, as the nodes decide it. */
export function meets(fact: LiveFact, filter: LiveFilter): boolean {
  const { app, type, channel, event, socket, text } = filter;
  if (app && fact.app !== app) return false;
  if (type && !type.split(',').includes(fact.type)) return false;
  if (socket && fact.socket !== socket) return false;
  const channels = [fact.channel, ...(fact.channels ?? [])];
  if (channel && !channels.some((name) => name !== undefined && isMatch(name, channel))) return false;
  const events = [fact.event, ...(fact.events ?? [])];
  if (event && !events.some((name) => name !== undefined && isMatch(name, event))) return false;
  return !text || JSON.stringify(fact).toLowerCase().includes(text.toLowerCase());
}

/** @param pattern - `*` stands for any characters */
function isMatch(name: string, pattern: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's').test(name);
}

/** One line about a fact, beside its app, channel and event. */
export function summaryOf(fact: LiveFact): string {
  const { type, data, reason, code, cause, origin, ip, userAgent, user, who, what, events, attempt, durationMs } = fact;
  switch (type) {
    case 'connected':
      return together(fact.socket, origin || 'no origin', ip, userAgent);
    case 'disconnected':
      return together(fact.socket, code, reason || cause);
    case 'refused':
    case 'subscription-refused':
    case 'publish-refused':
    case 'message-refused':
      return together(code, reason || cause, fact.socket ?? ip);
    case 'subscribed':
    case 'cache-missed':
      return together(fact.socket, user);
    case 'unsubscribed':
      return together(fact.socket, user, reason);
    case 'signed-in':
    case 'signed-out':
      return together(user, fact.socket);
    case 'published':
    case 'client-event':
      return data ?? '';
    case 'webhook':
      return together(
        events?.join(', '),
        code ?? reason,
        attempt !== undefined && `attempt ${attempt}`,
        durationMs !== undefined && `${Math.round(durationMs)} ms`,
      );
    case 'audit':
      return together(who, what, ip);
  }
}

function together(...parts: readonly (string | number | false | undefined)[]): string {
  return parts.filter((part) => part !== undefined && part !== false && part !== '').join(' · ');
}
