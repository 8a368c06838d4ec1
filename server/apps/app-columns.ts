import type { AppOptionName } from '../config/app-options.ts';

/** What a column holds; each database has types of its own for these. */
export type ColumnKind = 'name' | 'whole' | 'size' | 'flag' | 'json';

export interface AppColumn {
  readonly column: string;
  readonly option: AppOptionName;
  readonly kind: ColumnKind;
}

/** Soketi's table. Its names for the three rates do not follow from the options'. */
export const APP_COLUMNS: readonly AppColumn[] = [
  { column: 'id', option: 'id', kind: 'name' },
  { column: 'key', option: 'key', kind: 'name' },
  { column: 'secret', option: 'secret', kind: 'name' },
  { column: 'max_connections', option: 'maxConnections', kind: 'whole' },
  { column: 'enable_client_messages', option: 'enableClientMessages', kind: 'flag' },
  { column: 'enabled', option: 'enabled', kind: 'flag' },
  { column: 'max_backend_events_per_sec', option: 'maxBackendEventsPerSecond', kind: 'whole' },
  { column: 'max_client_events_per_sec', option: 'maxClientEventsPerSecond', kind: 'whole' },
  { column: 'max_read_req_per_sec', option: 'maxReadRequestsPerSecond', kind: 'whole' },
  { column: 'webhooks', option: 'webhooks', kind: 'json' },
  { column: 'max_presence_members_per_channel', option: 'maxPresenceMembersPerChannel', kind: 'whole' },
  { column: 'max_presence_member_size_in_kb', option: 'maxPresenceMemberSizeInKb', kind: 'size' },
  { column: 'max_channel_name_length', option: 'maxChannelNameLength', kind: 'whole' },
  { column: 'max_event_channels_at_once', option: 'maxEventChannelsAtOnce', kind: 'whole' },
  { column: 'max_event_name_length', option: 'maxEventNameLength', kind: 'whole' },
  { column: 'max_event_payload_in_kb', option: 'maxEventPayloadInKb', kind: 'size' },
  { column: 'max_event_batch_size', option: 'maxEventBatchSize', kind: 'whole' },
  { column: 'enable_user_authentication', option: 'enableUserAuthentication', kind: 'flag' },
];

/** Ours: JSON with the options that have no column. */
export const OPTIONS_COLUMN = 'options';

export const REQUIRED_COLUMNS = ['id', 'key', 'secret'] as const;
