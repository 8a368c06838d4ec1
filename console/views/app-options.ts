/** Options of an app that the console edits: docs/config.md says what each means. Structures (rules, feeds, webhooks) are for files and the admin API. */
export interface SwitchOption {
  readonly name: string;
  readonly label: string;
  readonly hint: string;
}

export interface LimitOption {
  readonly name: string;
  readonly label: string;
  /** Shown behind the label. */
  readonly unit: string;
  /** Whether -1 is allowed, and means that there is no limit. */
  readonly mayBeUnlimited: boolean;
}

export const SWITCHES: readonly SwitchOption[] = [
  {
    name: 'enableClientMessages',
    label: 'Client events',
    hint: 'Clients may send events (client-…) to private and presence channels.',
  },
  {
    name: 'enableUserAuthentication',
    label: 'Users have to sign in',
    hint: 'Who neither signs in nor enters a private channel in time is disconnected.',
  },
  {
    name: 'enableSubscriptionCountEvents',
    label: 'Subscription counts',
    hint: 'Subscribers are told how many they are.',
  },
  {
    name: 'enableWatchlistEvents',
    label: 'Watchlists',
    hint: 'Users are told when somebody they watch comes online or leaves.',
  },
  { name: 'forceTls', label: 'TLS only', hint: 'Connections without TLS are refused.' },
  {
    name: 'allowMissingOrigin',
    label: 'Clients without an origin',
    hint: 'Devices and backends, which send no Origin, may connect.',
  },
];

export const LIMITS: readonly LimitOption[] = [
  { name: 'maxConnections', label: 'Connections', unit: 'at once', mayBeUnlimited: true },
  { name: 'maxBackendEventsPerSecond', label: 'Events of backends', unit: 'per second', mayBeUnlimited: true },
  { name: 'maxReadRequestsPerSecond', label: 'Requests that read', unit: 'per second', mayBeUnlimited: true },
  {
    name: 'maxClientEventsPerSecond',
    label: 'Client events of one connection',
    unit: 'per second',
    mayBeUnlimited: true,
  },
  { name: 'maxAppClientEventsPerSecond', label: 'Client events of all', unit: 'per second', mayBeUnlimited: true },
  { name: 'maxPresenceMembersPerChannel', label: 'Members of a presence channel', unit: '', mayBeUnlimited: true },
  { name: 'maxEventPayloadInKb', label: 'Data of an event', unit: 'kB', mayBeUnlimited: false },
  { name: 'maxEventChannelsAtOnce', label: 'Channels of one event', unit: '', mayBeUnlimited: false },
  { name: 'maxEventBatchSize', label: 'Events in a batch', unit: '', mayBeUnlimited: false },
  { name: 'cacheTtl', label: 'Cache channels keep an event', unit: 'seconds', mayBeUnlimited: false },
];
