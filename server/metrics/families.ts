/** How the values of several processes become one. */
type OverWorkers = 'sum' | 'max' | 'min';

/** All time series of one name. */
export interface Family {
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** One line, for people: what it counts, with its unit. */
  readonly help: string;
  readonly labels: readonly string[];
  /** Default: `sum`. */
  readonly over?: OverWorkers;
  /** Upper bounds of the buckets of a histogram, ascending; in seconds. */
  readonly bounds?: readonly number[];
}

const FAST = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const REMOTE = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const LIFETIMES = [1, 10, 60, 600, 3600, 21_600, 86_400, 604_800];
const GC = [0.001, 0.01, 0.1, 1, 2, 5];

/** Buckets of `kulkul_connections_by_age`: seconds, and what the label says. */
export const AGES = [
  [60, '1m'],
  [600, '10m'],
  [3600, '1h'],
  [86_400, '1d'],
  [Number.POSITIVE_INFINITY, 'more'],
] as const;

/**
 * Every metric that nodes count. Those named `kulkul_…` are Kulkul's own, the others what Soketi had of its process; `SOKETI_VIEWS` are made of these. Each
 * stands in docs/observability.md too.
 */
export const FAMILIES = {
  kulkul_info: {
    type: 'gauge',
    help: 'Always 1; the labels say what runs',
    labels: ['version', 'driver'],
    over: 'max',
  },
  kulkul_ready: { type: 'gauge', help: '1 while GET /ready answers 200, else 0', labels: [], over: 'min' },
  kulkul_workers: { type: 'gauge', help: 'Processes that serve clients', labels: [] },
  kulkul_worker_restarts_total: {
    type: 'counter',
    help: 'Workers that ended by themselves and were replaced',
    labels: [],
  },
  kulkul_failures_total: {
    type: 'counter',
    help: 'Failures that can only be a bug, or a seam that failed; the log has them',
    labels: [],
  },

  kulkul_connections: { type: 'gauge', help: 'Connections that are open', labels: ['app_id'] },
  kulkul_connections_opened_total: { type: 'counter', help: 'Connections that were accepted', labels: ['app_id'] },
  kulkul_connections_closed_total: {
    type: 'counter',
    help: 'Connections that ended, by close code',
    labels: ['app_id', 'code'],
  },
  kulkul_connections_cut_off_total: {
    type: 'counter',
    help: 'Connections that the broker ended, by the id of the reason',
    labels: ['app_id', 'cause'],
  },
  kulkul_slow_consumers_total: {
    type: 'counter',
    help: 'Clients that were cut off because they did not read fast enough',
    labels: ['app_id', 'cause'],
  },
  kulkul_connections_by_age: {
    type: 'gauge',
    help: 'Open connections by their age: up to a minute, ten minutes, an hour, a day, or more',
    labels: ['age'],
  },
  kulkul_connection_lifetime_seconds: {
    type: 'histogram',
    help: 'How long connections had been open when they ended',
    labels: [],
    bounds: LIFETIMES,
  },

  kulkul_channels: {
    type: 'gauge',
    help: 'Channels with a subscription on this node, by kind',
    labels: ['app_id', 'kind'],
  },
  kulkul_subscriptions: {
    type: 'gauge',
    help: 'Subscriptions of the connections here, by kind of channel',
    labels: ['app_id', 'kind'],
  },
  kulkul_subscriptions_opened_total: { type: 'counter', help: 'Subscriptions that began', labels: ['app_id'] },
  kulkul_cache_misses_total: {
    type: 'counter',
    help: 'Subscribers of cache channels for whom there was no last event',
    labels: ['app_id'],
  },

  kulkul_messages_received_total: { type: 'counter', help: 'Messages from clients', labels: ['app_id'] },
  kulkul_messages_sent_total: {
    type: 'counter',
    help: 'Messages to clients: one for each client that a message was for',
    labels: ['app_id'],
  },
  kulkul_received_bytes_total: {
    type: 'counter',
    help: 'Bytes of messages from clients (websocket) and of request bodies (http)',
    labels: ['app_id', 'over'],
  },
  kulkul_sent_bytes_total: {
    type: 'counter',
    help: 'Bytes of messages to clients (websocket) and of bodies of answers (http), before TLS',
    labels: ['app_id', 'over'],
  },
  kulkul_events_published_total: {
    type: 'counter',
    help: 'Events that were accepted here, once per channel, by who published them',
    labels: ['app_id', 'by'],
  },
  kulkul_deliveries_total: {
    type: 'counter',
    help: 'Messages of channels handed to subscribers, one for each of them',
    labels: ['app_id'],
  },

  kulkul_http_requests_total: {
    type: 'counter',
    help: 'Requests to the HTTP API, by route and status',
    labels: ['app_id', 'route', 'status'],
  },
  kulkul_refusals_total: {
    type: 'counter',
    help: 'Connections, subscriptions, messages and requests that were refused, by error id (docs/errors.md)',
    labels: ['app_id', 'of', 'error'],
  },
  kulkul_rate_limited_total: {
    type: 'counter',
    help: 'Requests and client events that were over a limit per second',
    labels: ['app_id', 'of'],
  },

  kulkul_publish_seconds: {
    type: 'histogram',
    help: 'From accepting an event to the end of the turn in which a node flushed it to its subscribers; of a sample, 50 per second at most',
    labels: [],
    bounds: FAST,
  },
  kulkul_trigger_request_seconds: {
    type: 'histogram',
    help: 'From the head of a request that publishes to its answer; of a sample, 50 per second at most',
    labels: [],
    bounds: FAST,
  },
  kulkul_broker_lag_seconds: {
    type: 'histogram',
    help: 'From publishing an event to its arrival on a node by way of Redis; of the same sample',
    labels: [],
    bounds: FAST,
  },

  kulkul_redis_up: {
    type: 'gauge',
    help: '1 while Redis takes commands and all topics are subscribed',
    labels: [],
    over: 'min',
  },
  kulkul_redis_writable: { type: 'gauge', help: '0 while Redis refuses writes', labels: [], over: 'min' },
  kulkul_redis_losses_total: { type: 'counter', help: 'How often the connection to Redis was lost', labels: [] },
  kulkul_redis_round_trip_seconds: {
    type: 'histogram',
    help: 'One question to Redis and its answer, every two seconds',
    labels: [],
    bounds: FAST,
  },
  kulkul_missed_messages_total: {
    type: 'counter',
    help: 'Gaps that were found in channels: messages between nodes that did not arrive',
    labels: [],
  },
  kulkul_lease_sweeps_total: { type: 'counter', help: 'Dead nodes that this one cleaned up after', labels: [] },
  kulkul_lease_losses_total: {
    type: 'counter',
    help: 'How often this node was considered dead by the others',
    labels: [],
  },

  kulkul_webhook_waiting: {
    type: 'gauge',
    help: 'Events that wait for a webhook on the node that delivers them',
    labels: ['app_id', 'target'],
  },
  kulkul_webhook_oldest_seconds: {
    type: 'gauge',
    help: 'Age of the oldest event that waits',
    labels: ['app_id', 'target'],
    over: 'max',
  },
  kulkul_webhook_requests_total: {
    type: 'counter',
    help: 'Attempts to deliver, by outcome: accepted, refused (another status than 2xx) or failed (no answer)',
    labels: ['app_id', 'target', 'outcome'],
  },
  kulkul_webhook_dead_letters_total: {
    type: 'counter',
    help: 'Events that became dead letters',
    labels: ['app_id', 'target'],
  },
  kulkul_webhook_attempt_seconds: {
    type: 'histogram',
    help: 'How long a webhook took to answer',
    labels: [],
    bounds: REMOTE,
  },

  kulkul_event_loop_delay_seconds: {
    type: 'gauge',
    help: 'How late the event loop was since the last scrape',
    labels: ['worker', 'quantile'],
    over: 'max',
  },
  kulkul_event_loop_active_seconds_total: {
    type: 'counter',
    help: 'Time that the event loop was busy: its rate is the utilisation, 1 is all of it',
    labels: ['worker'],
  },
  kulkul_heap_used_bytes: { type: 'gauge', help: 'JavaScript heap in use', labels: ['worker'], over: 'max' },
  kulkul_heap_limit_bytes: {
    type: 'gauge',
    help: 'JavaScript heap that the process may have',
    labels: ['worker'],
    over: 'max',
  },
  kulkul_resident_memory_bytes: { type: 'gauge', help: 'Memory of the process', labels: ['worker'], over: 'max' },
  kulkul_tls_certificate_expiry_timestamp_seconds: {
    type: 'gauge',
    help: 'When the certificate that is served ends, as a Unix time',
    labels: [],
    over: 'min',
  },

  process_cpu_user_seconds_total: { type: 'counter', help: 'User CPU time in seconds', labels: [] },
  process_cpu_system_seconds_total: { type: 'counter', help: 'System CPU time in seconds', labels: [] },
  process_cpu_seconds_total: { type: 'counter', help: 'User and system CPU time in seconds', labels: [] },
  process_start_time_seconds: { type: 'gauge', help: 'Start of the process as a Unix time', labels: [], over: 'min' },
  process_resident_memory_bytes: { type: 'gauge', help: 'Resident memory', labels: [] },
  process_virtual_memory_bytes: { type: 'gauge', help: 'Virtual memory', labels: [] },
  process_heap_bytes: { type: 'gauge', help: 'Data segment of the process', labels: [] },
  process_open_fds: { type: 'gauge', help: 'Open file descriptors', labels: [] },
  process_max_fds: { type: 'gauge', help: 'File descriptors that a process may open', labels: [], over: 'min' },
  nodejs_eventloop_lag_seconds: { type: 'gauge', help: 'Mean delay of the event loop', labels: [], over: 'max' },
  nodejs_eventloop_lag_min_seconds: {
    type: 'gauge',
    help: 'Smallest delay of the event loop',
    labels: [],
    over: 'min',
  },
  nodejs_eventloop_lag_max_seconds: { type: 'gauge', help: 'Largest delay of the event loop', labels: [], over: 'max' },
  nodejs_eventloop_lag_mean_seconds: {
    type: 'gauge',
    help: 'Mean of the delays of the event loop',
    labels: [],
    over: 'max',
  },
  nodejs_eventloop_lag_stddev_seconds: {
    type: 'gauge',
    help: 'Standard deviation of the delays of the event loop',
    labels: [],
    over: 'max',
  },
  nodejs_eventloop_lag_p50_seconds: {
    type: 'gauge',
    help: 'Median of the delays of the event loop',
    labels: [],
    over: 'max',
  },
  nodejs_eventloop_lag_p90_seconds: {
    type: 'gauge',
    help: '90th percentile of the delays of the event loop',
    labels: [],
    over: 'max',
  },
  nodejs_eventloop_lag_p99_seconds: {
    type: 'gauge',
    help: '99th percentile of the delays of the event loop',
    labels: [],
    over: 'max',
  },
  nodejs_active_handles: { type: 'gauge', help: 'Active handles by type', labels: ['type'] },
  nodejs_active_handles_total: { type: 'gauge', help: 'Active handles', labels: [] },
  nodejs_active_requests: { type: 'gauge', help: 'Active requests by type', labels: ['type'] },
  nodejs_active_requests_total: { type: 'gauge', help: 'Active requests', labels: [] },
  nodejs_heap_size_total_bytes: { type: 'gauge', help: 'Size of the JavaScript heap', labels: [] },
  nodejs_heap_size_used_bytes: { type: 'gauge', help: 'JavaScript heap in use', labels: [] },
  nodejs_external_memory_bytes: { type: 'gauge', help: 'Memory outside of the heap that it refers to', labels: [] },
  nodejs_heap_space_size_total_bytes: { type: 'gauge', help: 'Size of each heap space', labels: ['space'] },
  nodejs_heap_space_size_used_bytes: { type: 'gauge', help: 'Used size of each heap space', labels: ['space'] },
  nodejs_heap_space_size_available_bytes: { type: 'gauge', help: 'Free size of each heap space', labels: ['space'] },
  nodejs_version_info: {
    type: 'gauge',
    help: 'Version of Node.js',
    labels: ['version', 'major', 'minor', 'patch'],
    over: 'max',
  },
  nodejs_gc_duration_seconds: { type: 'histogram', help: 'Garbage collections by kind', labels: ['kind'], bounds: GC },
} as const satisfies Readonly<Record<string, Family>>;

export type FamilyName = keyof typeof FAMILIES;

export const FAMILY_NAMES = Object.keys(FAMILIES) as readonly FamilyName[];

export function familyOf(name: FamilyName): Family {
  return FAMILIES[name];
}

/** Labels that nobody outside can choose the values of, so that a stranger can't make time series. */
export const APP_LABEL = 'app_id';

/** A metric of Soketi, as the sum per app of one of ours. */
export interface SoketiView {
  /** Without the prefix. */
  readonly name: string;
  readonly help: string;
  /** Undefined: always 0, as Kulkul has nothing of the kind. */
  readonly of?: FamilyName;
  /** Only the series with this label. */
  readonly where?: readonly [label: string, value: string];
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly bounds?: readonly number[];
}

/** prom-client's, which Soketi counts milliseconds in. */
const DEFAULT_BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** With the labels `app_id` and `port`. */
export const SOKETI_VIEWS: readonly SoketiView[] = [
  { name: 'connected', type: 'gauge', help: 'The number of currently connected sockets', of: 'kulkul_connections' },
  {
    name: 'new_connections_total',
    type: 'counter',
    help: 'Connections that were opened',
    of: 'kulkul_connections_opened_total',
  },
  {
    name: 'new_disconnections_total',
    type: 'counter',
    help: 'Connections that ended',
    of: 'kulkul_connections_closed_total',
  },
  {
    name: 'socket_received_bytes',
    type: 'counter',
    help: 'Bytes of messages from clients',
    of: 'kulkul_received_bytes_total',
    where: ['over', 'websocket'],
  },
  {
    name: 'socket_transmitted_bytes',
    type: 'counter',
    help: 'Bytes of messages to clients',
    of: 'kulkul_sent_bytes_total',
    where: ['over', 'websocket'],
  },
  {
    name: 'ws_messages_received_total',
    type: 'counter',
    help: 'Messages from clients',
    of: 'kulkul_messages_received_total',
  },
  { name: 'ws_messages_sent_total', type: 'counter', help: 'Messages to clients', of: 'kulkul_messages_sent_total' },
  {
    name: 'http_received_bytes',
    type: 'counter',
    help: 'Bytes of request bodies',
    of: 'kulkul_received_bytes_total',
    where: ['over', 'http'],
  },
  {
    name: 'http_transmitted_bytes',
    type: 'counter',
    help: 'Bytes of bodies of answers',
    of: 'kulkul_sent_bytes_total',
    where: ['over', 'http'],
  },
  {
    name: 'http_calls_received_total',
    type: 'counter',
    help: 'Requests to the HTTP API',
    of: 'kulkul_http_requests_total',
  },
  {
    name: 'horizontal_adapter_resolve_time',
    type: 'histogram',
    help: 'Always 0: nodes are not asked',
    bounds: DEFAULT_BOUNDS,
  },
  { name: 'horizontal_adapter_resolved_promises', type: 'counter', help: 'Always 0: nodes are not asked' },
  { name: 'horizontal_adapter_uncomplete_promises', type: 'counter', help: 'Always 0: nodes are not asked' },
  { name: 'horizontal_adapter_sent_requests', type: 'counter', help: 'Always 0: nodes are not asked' },
  { name: 'horizontal_adapter_received_requests', type: 'counter', help: 'Always 0: nodes are not asked' },
  { name: 'horizontal_adapter_received_responses', type: 'counter', help: 'Always 0: nodes are not asked' },
];
