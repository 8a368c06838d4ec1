import type { OutboxEntry } from '../../channels/outbox.ts';
import type { WebhookEvent } from '../../protocol/webhook.ts';
import type { Partition } from './partition.ts';
import type { SentEvent } from './request.ts';

/** An event on its way to one webhook. */
export interface Job extends SentEvent {
  /** Of the outbox. */
  readonly entryId: string;
  readonly partition: Partition;
  attempts: number;
}

export function jobOf(partition: Partition, { id, event, timeMs, replayed }: OutboxEntry): Job {
  return { id: replayed?.eventId ?? id, entryId: id, partition, event, timeMs, attempts: 0 };
}

/** What has an order: the events of a channel, and those of a user. */
export function laneKeyOf(event: WebhookEvent): string {
  return event.channel === '' && 'user_id' in event ? `user ${event.user_id}` : `channel ${event.channel}`;
}

/** Events of one channel for one webhook, which are sent one after the other. Those that are under way are the first ones. */
export class Lane {
  readonly key: string;
  jobs: Job[] = [];
  /** How many of the jobs are under way. */
  sending = 0;
  /** Requests in a row that failed. */
  failures = 0;
  /** What is under way belongs to another node by now: it is not tried again here. */
  isLost = false;
  /** Set while it waits for the next attempt: calls it off. */
  cancelWait: (() => void) | undefined;

  constructor(key: string) {
    this.key = key;
  }

  get isWaiting(): boolean {
    return this.cancelWait !== undefined;
  }

  /** Takes out those that were under way. */
  takeSent(): readonly Job[] {
    const sent = this.jobs.splice(0, this.sending);
    // They may have come again, since they were lost.
    if (this.isLost) this.jobs = this.jobs.filter(({ entryId }) => sent.every((job) => job.entryId !== entryId));
    this.sending = 0;
    this.isLost = false;
    return sent;
  }

  /** What was under way is not any more, and was not accepted. @returns how many are taken out, as another node has them */
  putBack(): number {
    const lost = this.isLost ? this.jobs.splice(0, this.sending).length : 0;
    this.sending = 0;
    this.isLost = false;
    return lost;
  }

  /** Takes out what is not under way. */
  clear(): readonly Job[] {
    return this.jobs.splice(this.sending);
  }

  stopWaiting(): void {
    this.cancelWait?.();
    this.cancelWait = undefined;
  }
}
