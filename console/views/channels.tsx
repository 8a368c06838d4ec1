import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type {
  ChannelDetail,
  ChannelKindName,
  ChannelPage,
  ChannelRow,
  MemberRow,
} from '../../server/console/contract.ts';
import { encodePlace } from '../data/address.ts';
import { pathOf, queryOf } from '../data/admin-api.ts';
import { useConsole } from '../data/context.ts';
import { formatBytes, formatCount, formatSpan, plural } from '../data/format.ts';
import { useAnswer } from '../data/use-answer.ts';
import { useSettled } from '../data/use-settled.ts';
import { OfApp } from '../parts/app-picker.tsx';
import { Ask } from '../parts/ask.tsx';
import { Payload } from '../parts/code.tsx';
import { Search } from '../parts/field.tsx';
import { Icon } from '../parts/icon.tsx';
import { More, STEP } from '../parts/more.tsx';
import { Empty, Failure, Waiting } from '../parts/note.tsx';
import { TableBox } from '../parts/table-box.tsx';
import { KindTag } from '../parts/tags.tsx';

const KINDS: readonly ChannelKindName[] = [
  'public',
  'private',
  'private-encrypted',
  'presence',
  'cache',
  'private-cache',
  'private-encrypted-cache',
  'presence-cache',
];
const EVERY_SECONDS = 4;

/** Channels that somebody is in, or one of them. */
export function ChannelsView(): JSX.Element {
  const { address } = useConsole();
  const { channel = '' } = address.place.value.params;
  return (
    <OfApp title="Channels" about="Channels that somebody is subscribed to, on all nodes together.">
      {(app) => (channel === '' ? <ChannelList app={app} /> : <OneChannel app={app} name={channel} />)}
    </OfApp>
  );
}

function ChannelList({ app }: { app: string }): JSX.Element {
  const { address } = useConsole();
  const { prefix = '', kind = '' } = address.place.value.params;
  const [limit, setLimit] = useState(STEP);
  const settled = useSettled(prefix);
  const path = `${pathOf`/apps/${app}/channels`}${queryOf({ prefix: settled, kind, limit })}`;
  const { data, error, again } = useAnswer<ChannelPage>(path, EVERY_SECONDS);
  return (
    <>
      <search class="bar">
        <Search label="Name begins with" value={prefix} onInput={(value) => address.adjust({ prefix: value.trim() })} />
        <select
          class="input"
          aria-label="Kind"
          value={kind}
          onChange={(event) => address.adjust({ kind: event.currentTarget.value })}
        >
          <option value="">All kinds</option>
          {KINDS.map((one) => (
            <option key={one} value={one}>
              {one}
            </option>
          ))}
        </select>
      </search>
      {error !== undefined && <Failure error={error} again={again} />}
      {!data && error === undefined && <Waiting />}
      {data && (
        <div class="card">
          {data.channels.length === 0 ? (
            <Empty icon="channels" title={settled || kind ? 'No channel matches' : 'Nobody is subscribed to a channel'}>
              <p>
                {settled || kind
                  ? 'Channels are listed as long as somebody is in them. Try a shorter beginning, or all kinds.'
                  : 'A channel appears here as soon as a client subscribes to it.'}
              </p>
            </Empty>
          ) : (
            <>
              <ChannelTable app={app} channels={data.channels} />
              <More
                shown={data.channels.length}
                total={data.total}
                limit={limit}
                onLimit={setLimit}
                advice="Type the beginning of a name to see others."
              />
            </>
          )}
        </div>
      )}
    </>
  );
}

function ChannelTable({ app, channels }: { app: string; channels: readonly ChannelRow[] }): JSX.Element {
  return (
    <TableBox label="Channels">
      <table class="table">
        <thead>
          <tr>
            <th scope="col">Channel</th>
            <th scope="col">Kind</th>
            <th scope="col" class="number">
              Subscriptions
            </th>
            <th scope="col" class="number">
              Users
            </th>
          </tr>
        </thead>
        <tbody>
          {channels.map(({ name, kind, subscriptions, users }) => (
            <tr key={name}>
              <td class="name">
                <a href={encodePlace({ view: 'channels', params: { app, channel: name } })}>{name}</a>
              </td>
              <td>
                <KindTag kind={kind} />
              </td>
              <td class="number">{formatCount(subscriptions)}</td>
              <td class="number">{users === null ? <span class="muted">–</span> : formatCount(users)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableBox>
  );
}

function OneChannel({ app, name }: { app: string; name: string }): JSX.Element {
  const { api, session } = useConsole();
  const [limit, setLimit] = useState(STEP);
  const path = pathOf`/apps/${app}/channels/${name}`;
  const { data, error, again } = useAnswer<ChannelDetail>(`${path}${queryOf({ limit })}`, EVERY_SECONDS);
  return (
    <>
      <div class="crumb">
        <a class="button quiet small" href={encodePlace({ view: 'channels', params: { app } })}>
          <Icon name="back" /> All channels
        </a>
      </div>
      {error !== undefined && <Failure error={error} again={again} />}
      {!data && error === undefined && <Waiting />}
      {data && (
        <div class="stack">
          <div class="card">
            <div class="card-head">
              <h2 class="mono wrap">{name}</h2>
              <KindTag kind={data.kind} />
              <div class="push">
                {session.mayChange && (
                  <a class="button small" href={encodePlace({ view: 'create', params: { app, channels: name } })}>
                    <Icon name="create" /> Send an event
                  </a>
                )}
                <Ask
                  action="Remove everybody"
                  isSmall
                  title="Remove everybody?"
                  run={() => api.call('DELETE', `${path}/subscriptions`).then(again)}
                  done={`Everybody was removed from ${name}.`}
                >
                  All {plural(data.subscriptions, 'subscription')} of <code class="wrap">{name}</code> end with status
                  403. What opened the channel so far no longer does: clients need a new token or signature to come
                  back.
                </Ask>
              </div>
            </div>
            <div class="padded-box">
              <dl class="facts">
                <dt>Subscriptions</dt>
                <dd>
                  {formatCount(data.subscriptions)}{' '}
                  {data.subscriptions > 0 && (
                    <a href={encodePlace({ view: 'sockets', params: { app, channel: name } })}>Show the sockets</a>
                  )}
                </dd>
                {data.users !== null && (
                  <>
                    <dt>Users</dt>
                    <dd>{formatCount(data.users)}</dd>
                  </>
                )}
                <dt>Last event</dt>
                <dd>
                  {!data.keepsLastEvent && <span class="muted">Not kept. Cache channels keep theirs.</span>}
                  {data.keepsLastEvent && !data.lastEvent && <span class="muted">None yet, or it is too old.</span>}
                  {data.lastEvent && (
                    <>
                      <code>{data.lastEvent.event}</code>{' '}
                      <span class="muted">
                        {formatBytes(data.lastEvent.bytes)}, kept for another{' '}
                        {formatSpan(data.lastEvent.remainingSeconds * 1000)}
                      </span>
                    </>
                  )}
                </dd>
              </dl>
              {data.lastEvent && (
                <div class="below">
                  <Payload title="data" text={data.lastEvent.data} />
                </div>
              )}
            </div>
          </div>
          {data.members && (
            <div class="card">
              <div class="card-head">
                <h2>Members</h2>
              </div>
              {data.members.members.length === 0 ? (
                <Empty icon="channels" title="Nobody is here" />
              ) : (
                <>
                  <MemberTable app={app} channel={name} members={data.members.members} again={again} />
                  <More
                    shown={data.members.members.length}
                    total={data.members.total}
                    limit={limit}
                    onLimit={setLimit}
                    advice="The list ends here."
                  />
                </>
              )}
            </div>
          )}
        </div>
      )}
    </>
  );
}

interface MemberTableProps {
  readonly app: string;
  readonly channel: string;
  readonly members: readonly MemberRow[];
  readonly again: () => void;
}

function MemberTable({ app, channel, members, again }: MemberTableProps): JSX.Element {
  const { api, session } = useConsole();
  return (
    <TableBox label="Members">
      <table class="table">
        <thead>
          <tr>
            <th scope="col">User</th>
            <th scope="col">Info</th>
            {session.mayChange && (
              <th scope="col">
                <span class="hidden-text">Actions</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {members.map(({ id, info }) => (
            <tr key={id}>
              <td class="name">
                <a href={encodePlace({ view: 'sockets', params: { app, user: id } })}>{id}</a>
              </td>
              <td class="mono wrap muted">{info ?? '–'}</td>
              {session.mayChange && (
                <td class="actions">
                  <Ask
                    action="Revoke"
                    isSmall
                    title={`Remove ${id}?`}
                    run={() => api.call('DELETE', pathOf`/apps/${app}/channels/${channel}/users/${id}`).then(again)}
                    done={`${id} was removed from ${channel}.`}
                  >
                    All connections of <code>{id}</code> leave <code class="wrap">{channel}</code> with status 403.
                    Tokens and signatures that the user has so far no longer open it.
                  </Ask>
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </TableBox>
  );
}
