/** As the admin API shows webhooks: server/admin/webhook-schemas.ts. Times are ISO 8601. */
export interface WebhookRow {
  readonly id: string;
  readonly url: string;
  readonly eventTypes: readonly string[];
  readonly waiting: number;
  readonly oldest?: string;
  readonly attempts: number;
  readonly failures: number;
  readonly delivered: number;
  readonly deadLetters: number;
  readonly lastAttempt?: string;
  readonly lastStatus?: number;
  readonly lastError?: string;
  readonly removed?: true;
}

export interface WebhookList {
  readonly webhooks: readonly WebhookRow[];
}

export interface DeadLetters {
  readonly total: number;
  /** Oldest first. */
  readonly deadLetters: readonly {
    readonly id: string;
    readonly event: { readonly name: string; readonly channel: string };
    readonly time: string;
    readonly attempts: number;
    readonly error: string;
  }[];
}

export interface WebhookTest {
  readonly accepted: boolean;
  readonly milliseconds: number;
  readonly request: { readonly url: string; readonly headers: Readonly<Record<string, string>>; readonly body: string };
  /** Absent: there was none, for the reason in `error`. */
  readonly answer?: { readonly status: number; readonly body: string };
  readonly error?: string;
}
