/** What the application sends: see its documentation at /swagger/index.html. */

export interface Share {
  readonly percent: number;
  readonly used: number;
  readonly total: number;
}

export interface Metrics {
  readonly status: 'up' | 'silent';
  readonly readAt: number;
  readonly cpu: { readonly percent: number; readonly cores: number } | null;
  readonly memory: Share | null;
  readonly disk: Share | null;
  readonly network: { readonly receivedPerSecond: number; readonly sentPerSecond: number } | null;
  readonly load?: readonly number[];
  readonly uptimeSeconds?: number;
  readonly unreadable?: readonly { readonly figure: string; readonly reason: string }[];
  readonly info?: Readonly<Record<string, string>>;
}

export type Servers = Readonly<Record<string, Metrics>>;

/** A message of the feed. */
export type Message =
  | { readonly type: 'metrics_update'; readonly data: Servers }
  | {
      readonly type: 'alert';
      readonly alert_type: 'alert' | 'recovery';
      readonly subject: string;
      readonly message: string;
    };

/** A line of the list of alerts. */
export interface Alert {
  readonly kind: 'alert' | 'recovery';
  readonly subject: string;
  readonly message: string;
  readonly sentAt: number;
}

export interface Limit {
  readonly metric: string;
  readonly limit: number;
}

/** `GET /api/state` */
export interface State {
  readonly servers: Servers;
  readonly alerts: { readonly active: readonly Alert[]; readonly recent: readonly Alert[] };
  readonly limits: readonly Limit[];
}

export interface Figures {
  readonly cpu: number | null;
  readonly memory: number | null;
  readonly disk: number | null;
  readonly received: number | null;
}

/** `GET /api/v1/servers/metrics/history` */
export interface History {
  readonly rows: readonly { readonly at: number; readonly servers: Readonly<Record<string, Figures>> }[];
}
