import { readFileSync } from 'node:fs';

/** The SQL of docs/apps.md below a heading. */
export function documentedTables(heading: 'MySQL and MariaDB' | 'PostgreSQL'): string {
  const docs = readFileSync(new URL('../../docs/apps.md', import.meta.url), 'utf8');
  const sql = docs.split(`### ${heading}\n`)[1]?.match(/```sql\n(.*?)```/s)?.[1];
  if (sql === undefined) throw new Error(`docs/apps.md has no SQL for ${heading}`);
  return sql;
}

/** As Soketi's users have it in MySQL: no index on `key`, letters compared without case, limits up to 127. */
export const SOKETI_MYSQL_TABLE = `
CREATE TABLE apps (
  id varchar(255) COLLATE utf8mb4_unicode_ci NOT NULL PRIMARY KEY,
  \`key\` varchar(255) COLLATE utf8mb4_unicode_ci NOT NULL,
  secret varchar(255) COLLATE utf8mb4_unicode_ci NOT NULL,
  max_connections int(10) NOT NULL,
  enable_client_messages tinyint(1) NOT NULL,
  enabled tinyint(1) NOT NULL,
  max_backend_events_per_sec int(10) NOT NULL,
  max_client_events_per_sec int(10) NOT NULL,
  max_read_req_per_sec int(10) NOT NULL,
  webhooks json,
  max_presence_members_per_channel tinyint(1) NULL,
  max_presence_member_size_in_kb tinyint(1) NULL,
  max_channel_name_length tinyint(1) NULL,
  max_event_channels_at_once tinyint(1) NULL,
  max_event_name_length tinyint(1) NULL,
  max_event_payload_in_kb tinyint(1) NULL,
  max_event_batch_size tinyint(1) NULL,
  enable_user_authentication tinyint(1) NOT NULL
) DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;`;

export const SOKETI_POSTGRES_TABLE = `
CREATE TABLE apps (
  id varchar(255) PRIMARY KEY,
  "key" varchar(255) NOT NULL,
  secret varchar(255) NOT NULL,
  max_connections integer NOT NULL,
  enable_client_messages smallint NOT NULL,
  "enabled" smallint NOT NULL,
  max_backend_events_per_sec integer NOT NULL,
  max_client_events_per_sec integer NOT NULL,
  max_read_req_per_sec integer NOT NULL,
  webhooks json,
  max_presence_members_per_channel smallint NULL,
  max_presence_member_size_in_kb smallint NULL,
  max_channel_name_length smallint NULL,
  max_event_channels_at_once smallint NULL,
  max_event_name_length smallint NULL,
  max_event_payload_in_kb smallint NULL,
  max_event_batch_size smallint NULL,
  enable_user_authentication smallint NOT NULL
);`;
