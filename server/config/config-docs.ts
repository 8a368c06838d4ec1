import * as z from 'zod';
import { type AppOptionName, appOptionsSchema } from './app-options.ts';
import { appOptions, appsPath, type Setting, sectionOf, sections, settings } from './catalogue.ts';
import { settingAliases } from './environment.ts';
import { appAliases } from './laravel.ts';
import { expectationWithUnit } from './read-value.ts';
import { redisClientOptions } from './redis-settings.ts';
import { formsOf } from './schema-issues.ts';
import { type SettingKind, settingMeta } from './setting.ts';
import { ineffectiveSettings } from './soketi-settings.ts';

/** `docs/config.md`: made from the schema, so that it can't say anything else than the code does. */
export function renderConfigDocs(): string {
  return `${[introduction, files, variables(), '## Settings', settingTables(), redis(), databases, apps(), ineffective(), seeing].join('\n\n')}\n`;
}

const introduction = `# Configuration

<!-- Generated from server/config/schema.ts by \`npm run docs:config\`. Edit there. -->

Everything has a default: without any configuration, Kulkul listens on port 6001 and creates an app with random
credentials for the run, which it prints at the start. There are no well-known default credentials.

Settings are read in this order; the last place that has one wins:

1. the default,
2. the configuration file: \`kulkul start --config soketi.config.json\`,
3. the environment, and a \`.env\` file in the working directory, read as Laravel reads it (\`\${NAME}\`, \`export\`, quotes, comments); a real environment variable
   wins over one of the same name in \`.env\`,
4. the flags \`--port\`, \`--host\`, \`--workers\` and \`--debug\`.

An unknown name stops the start. So does a value of the wrong type or out of range, unless a later place replaces it: then a warning names
it. Settings of Redis and of databases are only checked if they are used.
All problems are listed at once:

\`\`\`text
soketi.config.json:12:5  appManager.array.apps[0].maxConnection: unknown setting. Did you mean maxConnections?
SOKETI_PORT  port: expected a whole number from 0 to 65535, got "80a".
\`\`\``;

const files = `## The file

JSON with comments and trailing commas. Soketi's files work unchanged. Names may be nested, dotted, or both;
a nested object never removes settings that it does not contain.

\`\`\`jsonc config
{
  "port": 6001,
  "presence": { "maxMembersPerChannel": 500 }, // nested
  "presence.maxMemberSizeInKb": 4, // dotted, as Soketi documents it
  "appManager.array.apps": [
    { "id": "1", "key": "my-key", "secret": "my-secret", "enableClientMessages": true },
  ],
  "appManager.array.apps.0.maxConnections": 1000,
}
\`\`\`

For a single app there is a flat form. \`appName\` is optional. If a file has both this and a list, the flat app comes first.

\`\`\`json config
{ "appId": "1", "appKey": "my-key", "appSecret": "my-secret", "host": "127.0.0.1", "port": 6001 }
\`\`\`

- An empty string means not set.
- Numbers and booleans may be written as strings (\`"6001"\`, \`"true"\`), strings as numbers (kept exactly as written),
  and a list with one item as that item.
- Relative paths start at the folder of the file; those in variables at the working directory.
- If a setting occurs twice, the last one counts, with a warning. Listing the apps twice is an error, and so are two
  apps with the same id, a common key or a feed at the same path.
- \`"$schema": "./node_modules/kulkul/docs/config.schema.json"\` gives completion in editors; it means nothing to the broker.`;

function variables(): string {
  const aliases = [...settingAliases, ...appAliases.flatMap((group) => group.variables)];
  return `## Variables

Every setting has a variable of ours; where Soketi has one for it, that works as well, and ours wins when both are set. An empty
variable counts as not set. Booleans are \`1\`, \`true\`, \`yes\`, \`on\` or \`0\`, \`false\`, \`no\`, \`off\`; lists are JSON or separated by
commas; ids, keys and secrets are kept as they are, be it \`0123\` or \`1e5\` (a text in double quotes loses the quotes).

\`SOKETI_DEFAULT_APP_…\` and \`KULKUL_DEFAULT_APP_…\` change the first app, and make one where there is none. An unknown \`KULKUL_…\`
variable stops the start; an unknown \`SOKETI_…\` variable is named in a warning. What Kubernetes and Docker set for
a service of that name (\`KULKUL_PORT=tcp://…\`, \`REDIS_PORT=tcp://…\`, \`KULKUL_SERVICE_HOST\`) is ignored.

These variables of other programs are read, too, and are weaker than all of the above:

${table(
  ['variable', 'meaning'],
  aliases.map(({ name, note = '' }) => [code(name), note]),
)}

The app that \`PUSHER_APP_…\` or \`REVERB_APP_…\` describe is used where no app is configured, or where the first app has the same id; else
they are passed over with a warning. When both are there, \`BROADCAST_CONNECTION\` says which counts; else Pusher's, if they are complete.

An app that only \`REVERB_APP_…\` describe is served as Reverb would: members may send client events unless \`REVERB_APP_ACCEPT_CLIENT_EVENTS_FROM\` is \`none\`, the data of a member
may have as many bytes as a message of Reverb's (10,000, or \`REVERB_APP_MAX_MESSAGE_SIZE\`), and without any other setting for it the port is that of the application:
\`REVERB_SERVER_PORT\`; else \`REVERB_PORT\` where \`REVERB_SCHEME\` is \`http\` and \`REVERB_HOST\` is this machine; else 8080. \`PUSHER_HOST\`, \`PUSHER_PORT\` and their like say
where clients find the broker, and are not read.`;
}

function settingTables(): string {
  const general = settingTable('### General', '');
  return [general, ...[...sections.values()].map(({ path, title }) => settingTable(`### ${title}: \`${path}\``, path))]
    .filter((text) => text !== '')
    .join('\n\n');
}

function settingTable(heading: string, section: string): string {
  const own = [...settings.values()].filter(({ path }) => sectionOf(path) === section);
  if (own.length === 0) return '';
  const rows = own.map((setting) => row(setting, showDefault(setting.defaultValue)));
  return `${heading}\n\n${table(['setting', 'variables', 'default', 'meaning'], rows)}`;
}

const takesSaid: ReadonlySet<SettingKind> = new Set(['number', 'auto', 'choice', 'addresses']);

function row(setting: Setting, defaultValue: string): string[] {
  const names = [setting.variable, ...(setting.meta.soketi === undefined ? [] : [setting.meta.soketi])];
  const { description, reloadable } = setting.meta;
  const takes = takesSaid.has(setting.kind) ? ` Takes ${expectationWithUnit(setting)}.` : '';
  const reload = reloadable ? ' Can be changed while it runs.' : '';
  return [code(setting.path), names.map(code).join(' '), defaultValue, description + takes + reload];
}

function apps(): string {
  const rows = [...appOptions.values()].map((setting) => row(setting, showAppDefault(setting)));
  return `## Options of an app

The objects in \`${appsPath}\`. A name may also be written as in Soketi's databases: \`maxConnections\`, \`MaxConnections\` or
\`max_connections\` (and \`max_backend_events_per_sec\`, \`max_client_events_per_sec\`, \`max_read_req_per_sec\`). \`null\` means not set. The
variables are those of the first app.

${table(['option', 'variables', 'default', 'meaning'], rows)}

### Tokens and rules: \`auth\` and \`channels\`

[authorization.md](authorization.md) explains them. Inside, names are spelled exactly like this, and numbers and booleans are not written as
text. In \`KULKUL_DEFAULT_APP_AUTH\` and \`KULKUL_DEFAULT_APP_CHANNELS\` they are JSON. \`auth\`:

${table(['name', 'default', 'meaning'], innerRows('auth'))}

\`channels\` is a list of rules. The first rule whose name matches the channel applies. A rule:

${table(['name', 'default', 'meaning'], innerRows('channels'))}

Possible values are \`"anyone"\`, \`"application"\` (only what the application signs, which is always allowed), \`"token"\` (everybody with a valid token), \`"own"\` (whose
token has the claims in the rule's name), \`{ "roles": ["admin"], "own": true }\` (with one of the roles and, here, the claims in the
name), or a list of these, of which one is enough. An empty list: only the application.

\`\`\`json
{
  "id": "1", "key": "my-key", "secret": "my-secret",
  "auth": { "jwt": { "keys": [{ "publicKeyFile": "issuer.pem" }], "issuer": "https://id.example.com" } },
  "channels": [
    { "name": "private-user.{sub}" },
    { "name": "private-admin-*", "subscribe": { "roles": ["admin", "operator"] } }
  ]
}
\`\`\`

### Feeds: \`feeds\`

[feeds.md](feeds.md) explains them. \`feeds\` is a list; in \`KULKUL_DEFAULT_APP_FEEDS\` it is JSON. A feed:

${table(['name', 'default', 'meaning'], innerRows('feeds'))}

### Events that leave together: \`coalescing\`

[operating.md](operating.md#many-events) explains when it helps. \`coalescing\` is a list. The first item whose name matches the channel applies. In
\`KULKUL_DEFAULT_APP_COALESCING\` it is JSON. An item:

${table(['name', 'default', 'meaning'], innerRows('coalescing'))}

### Webhooks: \`webhooks\`

[webhooks.md](webhooks.md) explains them. \`webhooks\` is a list, or a text that holds one as JSON; so it is in \`SOKETI_DEFAULT_APP_WEBHOOKS\`. A webhook that is wrong stops the start; in a
database it alone is left out, with a warning. An item:

${table(['name', 'default', 'meaning'], innerRows('webhooks'))}

### Several pairs of key and secret

To rotate a secret without refusals, list both pairs, switch the clients, and remove the old pair:

\`\`\`json app
{ "id": "1", "keys": [{ "key": "old", "secret": "old-secret" }, { "key": "new", "secret": "new-secret" }] }
\`\`\``;
}

/** All names in an option that is an object, or a list of objects. */
function innerRows(option: AppOptionName): string[][] {
  const [form] = formsOf(appOptionsSchema.shape[option]);
  const object = form instanceof z.ZodArray ? form.element : form;
  return object instanceof z.ZodObject ? rowsOf(object, '') : [];
}

function rowsOf(object: z.ZodObject, prefix: string): string[][] {
  return Object.entries(object.shape as Record<string, z.ZodType>).flatMap(([name, schema]) => {
    const path = prefix + name;
    const [form] = formsOf(schema);
    if (form instanceof z.ZodObject) return rowsOf(form, `${path}.`);
    const absent = schema.safeParse(undefined);
    const defaultValue = absent.success ? showDefault(absent.data) : 'required';
    const own = [code(path), defaultValue, settingMeta.get(schema)?.description ?? ''];
    const element = form instanceof z.ZodArray ? form.element : undefined;
    return element instanceof z.ZodObject ? [own, ...rowsOf(element, `${path}[].`)] : [own];
  });
}

function redis(): string {
  const names = [...redisClientOptions].map(code).join(', ');
  return `## Redis

\`adapter.driver: "redis"\` makes several processes one broker. \`database.redis\` describes all of Kulkul's connections: to one
server, to the master that \`sentinels\` name, or to a Redis Cluster (7.0 or later) if there are \`clusterNodes\` or
\`adapter.redis.clusterMode\` is set. Besides the settings above, these options of the Redis client
([ioredis](https://github.com/redis/ioredis)) can be set in \`database.redis\` in a file, and in \`redisPubOptions\` and \`redisSubOptions\`:
${names}. Options that the delivery guarantees depend on (retries, queues and subscriptions of the client) can't be changed. With TLS and
Sentinels, \`sentinelTLS\` is for the connections to the Sentinels themselves, which are unencrypted without it.

Keys and topics begin with \`database.redis.keyPrefix\`, then \`adapter.redis.prefix\`, then \`kulkul:\`. Passwords may also be part of an
address, \`redis://user:password@host:6379\`, in the lists of Sentinels and nodes. Passwords are never shown.

\`\`\`json config
{
  "adapter.driver": "redis",
  "database.redis": { "host": "redis.internal", "password": "…", "tls": { "ca": "redis-ca.pem" } }
}
\`\`\``;
}

const databases = `## Databases of apps

\`appManager.driver\` says which one is used, if any: [apps.md](apps.md) describes the tables. Besides the settings above, any option of the driver
([mysql2](https://github.com/sidorares/node-mysql2), [pg](https://node-postgres.com/apis/client)) can be set in \`database.mysql\` and
\`database.postgres\` in a file. Give Kulkul a database user of its own, with no
more rights than the tables need.

\`\`\`json config
{
  "appManager.driver": "mysql",
  "database.mysql": { "host": "db.internal", "user": "kulkul", "password": "…", "database": "main" }
}
\`\`\``;

function showAppDefault(setting: Setting): string {
  if (setting.path === 'id') return 'required';
  if (setting.path === 'key' || setting.path === 'secret') return 'required without `keys`';
  return showDefault(setting.defaultValue);
}

function ineffective(): string {
  const rows = [...ineffectiveSettings].map(([path, variable]) => [code(path), variable === '' ? '' : code(variable)]);
  return `## Soketi's settings without effect

These are accepted, so that Soketi's configurations work; one warning names those that are set.
There are two exceptions: an \`adapter.driver\` or an \`appManager.driver\` that this version does not support stops the
start.

${table(['setting', 'variable'], rows)}`;
}

const seeing = `## Seeing what is in effect

\`kulkul config\` reads the same places as \`kulkul start\`, and prints every effective value and where it comes from, with secrets masked:

\`\`\`text
host = "127.0.0.1"   (file soketi.config.json:3)
port = 6001          (default)
\`\`\``;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.map(escapeCell).join(' | ')} |`);
  return lines.join('\n');
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|');
}

function showDefault(value: unknown): string {
  return value === undefined ? 'unset' : code(JSON.stringify(value));
}

function code(text: string): string {
  return `\`${text}\``;
}
