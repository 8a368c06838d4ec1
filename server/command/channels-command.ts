import { channelKindOf } from '../../protocol/channel-name.ts';
import { isJsonObject, type JsonObject, parseJson } from '../../protocol/json.ts';
import { foreign } from '../log.ts';
import type { ChannelsFlags } from './client-flags.ts';
import { CommandApi, type CommandContext, targetOf } from './client-target.ts';
import { CommandError, print, UsageError } from './exit.ts';
import { table } from './table.ts';

const MAX_NAME_LENGTH = 200;

/** `kulkul channels`. */
export async function channelsCommand(
  channel: string | undefined,
  flags: ChannelsFlags,
  context: CommandContext,
): Promise<void> {
  if (channel !== undefined && flags.prefix !== undefined)
    throw new UsageError('a channel, or --prefix for several: leave one out');
  const api = new CommandApi(targetOf(flags, context));
  if (channel === undefined) await listChannels(api, flags);
  else await showChannel(api, channel, flags);
}

async function listChannels(api: CommandApi, { prefix, json }: ChannelsFlags): Promise<void> {
  const filter: Record<string, string> = prefix === undefined ? {} : { filter_by_prefix: prefix };
  const answer = await askWithInfo(api, '/channels', 'subscription_count', filter);
  if (json) {
    print(`${JSON.stringify(answer)}\n`);
    return;
  }
  const channels = Object.entries(objectIn(answer, 'channels'));
  if (channels.length === 0) {
    print(`No channel has subscribers (${api.place}).\n`);
    return;
  }
  const users = await usersOfPresence(
    api,
    channels.map(([name]) => name),
    prefix,
  );
  const rows = channels
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, info]) => [
      foreign(name, MAX_NAME_LENGTH),
      countIn(info, 'subscription_count'),
      countIn(users[name], 'user_count'),
    ]);
  print(table([['CHANNEL', 'SUBSCRIPTIONS', 'USERS'], ...rows]));
}

/** Only presence channels have users, and none other may be asked about. */
async function usersOfPresence(api: CommandApi, names: readonly string[], prefix = ''): Promise<JsonObject> {
  if (!names.some((name) => channelKindOf(name).isPresence)) return {};
  const filter = prefix.startsWith(PRESENCE) ? prefix : PRESENCE;
  const { text } = await api.ask({
    method: 'GET',
    path: '/channels',
    params: { filter_by_prefix: filter, info: 'user_count' },
  });
  return objectIn(parseJson(text), 'channels');
}

const PRESENCE = 'presence-';

async function showChannel(api: CommandApi, channel: string, { json }: ChannelsFlags): Promise<void> {
  const path = `/channels/${encodeURIComponent(channel)}`;
  const { isPresence } = channelKindOf(channel);
  const answer = await askWithInfo(api, path, isPresence ? 'subscription_count,user_count' : 'subscription_count');
  const users = isPresence ? parseJson((await api.ask({ method: 'GET', path: `${path}/users` })).text) : undefined;
  if (json) {
    print(`${JSON.stringify({ ...answer, ...(isJsonObject(users) && users) })}\n`);
    return;
  }
  const ids = isJsonObject(users) && Array.isArray(users.users) ? users.users.map((user) => String(user.id)) : [];
  const rows = [
    ['occupied', answer.occupied === true ? 'yes' : 'no'],
    ['subscriptions', countIn(answer, 'subscription_count')],
    ...(isPresence
      ? [['users', ids.length === 0 ? '0' : `${ids.length}: ${ids.map((id) => foreign(id)).join(', ')}`]]
      : []),
  ];
  print(`${foreign(channel, MAX_NAME_LENGTH)}\n${table(rows.map((row) => ['', ...row]))}`);
}

/** Hosted, an app may not tell how many subscriptions a channel has: then without. */
async function askWithInfo(
  api: CommandApi,
  path: string,
  info: string,
  params: Readonly<Record<string, string>> = {},
): Promise<JsonObject> {
  const withInfo = await api.askAnyhow({ method: 'GET', path, params: { ...params, info } });
  const { text } = withInfo.status === 400 ? await api.ask({ method: 'GET', path, params }) : api.checked(withInfo);
  const answer = parseJson(text);
  if (isJsonObject(answer)) return answer;
  throw new CommandError(`what answers at ${api.place} is no server that speaks the Pusher protocol`);
}

function objectIn(value: unknown, name: string): JsonObject {
  const inner = isJsonObject(value) ? value[name] : undefined;
  return isJsonObject(inner) ? inner : {};
}

function countIn(info: unknown, name: string): string {
  const count = isJsonObject(info) ? info[name] : undefined;
  return typeof count === 'number' ? String(count) : '';
}
