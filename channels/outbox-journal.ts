import type { WebhookEvent } from '../protocol/webhook.ts';
import type { DeadLetter, OutboxEntry } from './outbox.ts';

/** What a fact is about: the app and the channel, with the user where it is one's; '' for the channel where it is no channel's. */
export type About = readonly [appId: string, channel: string, userId?: string];

/** A change of an outbox, as it is kept for the next process. */
export type OutboxRecord =
  /** Tells also that what the event tells of began, or ended. */
  | readonly ['entry', OutboxEntry]
  | readonly ['told', id: string, webhookId: string]
  | readonly ['removed', ...ids: string[]]
  /** A fact goes on, of whose beginning nobody was told. */
  | readonly ['open', ...about: About]
  /** It ended, and nobody wants to know. */
  | readonly ['closed', ...about: About]
  | readonly ['letter', DeadLetter]
  | readonly ['exhumed', appId: string, webhookId: string, ...ids: string[]];

/** Keeps what an outbox in memory has beyond the end of the process. */
export interface OutboxJournal {
  /** What the process before wrote, oldest first. */
  read(): readonly OutboxRecord[];
  /**
   * Writes from now on. Called once, when what was read was taken.
   *
   * @param snapshot - what the outbox has, in as few records as can be
   */
  begin(snapshot: () => Iterable<OutboxRecord>): void;
  /** Writes a change, at once. Must not throw. */
  write(record: OutboxRecord): void;
  /** Whether the next process will have it. */
  readonly isKept: boolean;
  close(): void;
}

/** Facts that receivers take for true, or are about to be told. */
export class OpenFacts {
  readonly #abouts = new Map<string, About>();

  /** Takes what an event tells of a beginning or an end. */
  note(appId: string, event: WebhookEvent): void {
    switch (event.name) {
      case 'channel_occupied':
      case 'member_added':
      case 'user_online':
        this.open(aboutOf(appId, event));
        break;
      case 'channel_vacated':
      case 'member_removed':
      case 'user_offline':
        this.close(aboutOf(appId, event));
    }
  }

  /** @returns whether it was not open */
  open(about: About): boolean {
    const key = JSON.stringify(about);
    if (this.#abouts.has(key)) return false;
    this.#abouts.set(key, about);
    return true;
  }

  has(about: About): boolean {
    return this.#abouts.has(JSON.stringify(about));
  }

  /** @returns whether it was open */
  close(about: About): boolean {
    return this.#abouts.delete(JSON.stringify(about));
  }

  /** Members before their channels. */
  *inOrderOfEnds(): Generator<About> {
    for (const about of this.#abouts.values()) if (about.length === 3) yield about;
    for (const about of this.#abouts.values()) if (about.length === 2) yield about;
  }

  /** Channels before their members. */
  *inOrderOfBeginnings(): Generator<About> {
    yield* [...this.inOrderOfEnds()].reverse();
  }
}

function aboutOf(appId: string, event: WebhookEvent): About {
  return 'user_id' in event && event.user_id !== undefined
    ? [appId, event.channel, event.user_id]
    : [appId, event.channel];
}

/** The event that tells of the end of a fact. */
export function endOf([, channel, userId]: About): WebhookEvent {
  if (userId === undefined) return { name: 'channel_vacated', channel };
  if (channel === '') return { name: 'user_offline', channel, user_id: userId };
  return { name: 'member_removed', channel, user_id: userId };
}
