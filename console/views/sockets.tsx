import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type {
  ConnectionChannel,
  ConnectionDetail,
  ConnectionPage,
  ConnectionRow,
} from '../../server/console/contract.ts';
import { encodePlace } from '../data/address.ts';
import { pathOf, queryOf } from '../data/admin-api.ts';
import { useConsole } from '../data/context.ts';
import { formatAge, formatBytes, formatCount, formatMoment, plural } from '../data/format.ts';
import { useAnswer } from '../data/use-answer.ts';
import { useSettled } from '../data/use-settled.ts';
import { OfApp } from '../parts/app-picker.tsx';
import { Ask } from '../parts/ask.tsx';
import { Search } from '../parts/field.tsx';
import { Icon } from '../parts/icon.tsx';
import { More, STEP } from '../parts/more.tsx';
import { Empty, Failure, Note, Waiting } from '../parts/note.tsx';
import { TableBox } from '../parts/table-box.tsx';
import { KindTag } from '../parts/tags.tsx';

const EVERY_SECONDS = 4;
const FILTERS = [
  { name: 'user', label: 'User id' },
  { name: 'channel', label: 'In the channel' },
] as const;

/** Open connections, or one of them. */
export function SocketsView(): JSX.Element {
  const { address } = useConsole();
  const { socket = '' } = address.place.value.params;
  return (
    <OfApp title="Sockets" about="Open connections of clients, on all nodes together.">
      {(app) => (socket === '' ? <SocketList app={app} /> : <OneSocket app={app} socket={socket} />)}
    </OfApp>
  );
}

function SocketList({ app }: { app: string }): JSX.Element {
  const { address } = useConsole();
  const { params } = address.place.value;
  const { id = '', user = '', channel = '' } = params;
  const [limit, setLimit] = useState(STEP);
  const query = useSettled(queryOf({ socket: id, user, channel, limit }));
  const { data, error, again } = useAnswer<ConnectionPage>(
    `${pathOf`/apps/${app}/connections`}${query}`,
    EVERY_SECONDS,
  );
  const settledUser = useSettled(user);
  const isFiltered = id !== '' || user !== '' || channel !== '';
  return (
    <>
      <search class="bar">
        <Search label="Socket id" value={id} onInput={(value) => address.adjust({ id: value.trim() })} />
        {FILTERS.map(({ name, label }) => (
          <input
            key={name}
            class="input"
            aria-label={label}
            placeholder={label}
            spellcheck={false}
            autocomplete="off"
            value={params[name] ?? ''}
            onInput={(event) => address.adjust({ [name]: event.currentTarget.value.trim() })}
          />
        ))}
      </search>
      {user !== '' && <UserCard key={settledUser} app={app} user={settledUser} again={again} />}
      {error !== undefined && <Failure error={error} again={again} />}
      {data && data.silent.length > 0 && (
        <Note tone="warn">Connections of {data.silent.join(', ')} are missing: these nodes did not answer.</Note>
      )}
      {!data && error === undefined && <Waiting />}
      {data && (
        <div class="card">
          {data.connections.length === 0 ? (
            <Empty icon="sockets" title={isFiltered ? 'No socket matches' : 'Nobody is connected'}>
              <p>
                {isFiltered
                  ? 'Socket, user and channel have to be given in whole.'
                  : 'Clients connect with the key of the app. Apps has lines to copy for Laravel, Echo and pusher-js.'}
              </p>
              {isFiltered && (
                <a class="button" href={encodePlace({ view: 'sockets', params: { app } })}>
                  Show all sockets
                </a>
              )}
            </Empty>
          ) : (
            <>
              <SocketTable app={app} connections={data.connections} />
              <More
                shown={data.connections.length}
                total={data.total}
                limit={limit}
                onLimit={setLimit}
                advice="Filter by user or channel to see others."
              />
            </>
          )}
        </div>
      )}
    </>
  );
}

/** What concerns a user as a whole, on all nodes. */
function UserCard({ app, user, again }: { app: string; user: string; again: () => void }): JSX.Element | null {
  const { api } = useConsole();
  const path = user === '' ? '' : pathOf`/apps/${app}/users/${user}`;
  const { data, again: reload } = useAnswer<{ readonly connections: number }>(path, EVERY_SECONDS);
  if (!data) return null;
  const done = (): void => {
    again();
    reload();
  };
  return (
    <div class="card">
      <div class="card-head">
        <h2 class="wrap">{user}</h2>
        <span class={`tag ${data.connections > 0 ? 'good' : ''}`}>
          {data.connections > 0 ? `Signed in on ${plural(data.connections, 'connection')}` : 'Not signed in'}
        </span>
        {data.connections > 0 && (
          <div class="push">
            <Ask
              action="Reconnect"
              isSmall
              isDangerous={false}
              title={`Let ${user} reconnect?`}
              run={() => api.call('POST', `${path}/force_reconnect`).then(done)}
              done={`${user} was sent to reconnect.`}
            >
              All connections of the user are closed with 4200. Clients come back at once, sign in again and are
              authorized afresh.
            </Ask>
            <Ask
              action="End all connections"
              isSmall
              title={`End all connections of ${user}?`}
              run={() => api.call('POST', `${path}/terminate`).then(done)}
              done={`All connections of ${user} were ended.`}
            >
              They are closed with 4009, after which clients do not come back by themselves.
            </Ask>
          </div>
        )}
      </div>
    </div>
  );
}

function SocketTable({ app, connections }: { app: string; connections: readonly ConnectionRow[] }): JSX.Element {
  return (
    <TableBox label="Sockets">
      <table class="table">
        <thead>
          <tr>
            <th scope="col">Socket</th>
            <th scope="col">User</th>
            <th scope="col" class="wide-only">
              Origin
            </th>
            <th scope="col" class="wide-only">
              Node
            </th>
            <th scope="col" class="number">
              Channels
            </th>
            <th scope="col" class="number">
              Buffered
            </th>
            <th scope="col" class="number">
              Open for
            </th>
          </tr>
        </thead>
        <tbody>
          {connections.map(({ socket, user, origin, node, subscriptions, bufferedBytes, since, readsFeed }) => (
            <tr key={socket}>
              <td class="name">
                <a href={encodePlace({ view: 'sockets', params: { app, socket } })}>{socket}</a>{' '}
                {readsFeed && <span class="tag">feed</span>}
              </td>
              <td class="wrap">{user ?? <span class="muted">–</span>}</td>
              <td class="wrap wide-only">{origin || <span class="muted">none</span>}</td>
              <td class="mono muted wide-only">{node}</td>
              <td class="number">{formatCount(subscriptions)}</td>
              <td class="number">
                {bufferedBytes > 0 ? (
                  <span class="tag warn">{formatBytes(bufferedBytes)}</span>
                ) : (
                  <span class="muted">0 B</span>
                )}
              </td>
              <td class="number">
                <time dateTime={since} title={formatMoment(since)}>
                  {formatAge(since)}
                </time>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableBox>
  );
}

function OneSocket({ app, socket }: { app: string; socket: string }): JSX.Element {
  const { api } = useConsole();
  const path = pathOf`/apps/${app}/connections/${socket}`;
  const { data, error, again } = useAnswer<ConnectionDetail>(path, EVERY_SECONDS);
  return (
    <>
      <div class="crumb">
        <a class="button quiet small" href={encodePlace({ view: 'sockets', params: { app } })}>
          <Icon name="back" /> All sockets
        </a>
      </div>
      {error !== undefined && <Failure error={error} again={again} />}
      {!data && error === undefined && <Waiting />}
      {data && (
        <div class="stack">
          <div class="card">
            <div class="card-head">
              <h2 class="mono">{socket}</h2>
              {data.readsFeed && <span class="tag">feed</span>}
              <div class="push">
                <a class="button small" href={encodePlace({ view: 'log', params: { app, socket } })}>
                  <Icon name="log" /> Watch in the log
                </a>
                <Ask
                  action="Disconnect"
                  isSmall
                  title="Disconnect this socket?"
                  run={() => api.call('POST', `${path}/disconnect`).then(again)}
                  done={`${socket} was disconnected.`}
                >
                  The connection <code>{socket}</code> is closed. Nothing is revoked: the client may connect again.
                </Ask>
              </div>
            </div>
            <div class="padded-box">
              <SocketFacts app={app} socket={data} />
            </div>
          </div>
          {data.lastRefusal && (
            <Note tone="warn">
              <strong>Last refusal</strong>, {formatAge(data.lastRefusal.time)} ago
              {data.lastRefusal.channel !== null && (
                <>
                  , of <code class="wrap">{data.lastRefusal.channel}</code>
                </>
              )}
              : {data.lastRefusal.reason} (<code>{data.lastRefusal.cause}</code>)
            </Note>
          )}
          <div class="card">
            <div class="card-head">
              <h2>Channels</h2>
            </div>
            {data.channels.length === 0 ? (
              <Empty icon="channels" title="It is in no channel">
                <p>A client that was just connected subscribes within seconds. If it was refused, the log says why.</p>
              </Empty>
            ) : (
              <>
                <SocketChannels app={app} socket={socket} channels={data.channels} again={again} />
                {data.subscriptions > data.channels.length && (
                  <div class="table-foot">
                    {formatCount(data.channels.length)} of {formatCount(data.subscriptions)}
                  </div>
                )}
              </>
            )}
          </div>
        </div>
      )}
    </>
  );
}

function SocketFacts({
  app,
  socket: { since, user, origin, key, node, bufferedBytes, lastReceived },
}: {
  app: string;
  socket: ConnectionDetail;
}): JSX.Element {
  return (
    <dl class="facts">
      <dt>Connected</dt>
      <dd>
        <time dateTime={since}>{formatMoment(since)}</time> <span class="muted">{formatAge(since)} ago</span>
      </dd>
      <dt>User</dt>
      <dd>
        {user === null ? (
          <span class="muted">Not signed in</span>
        ) : (
          <a href={encodePlace({ view: 'sockets', params: { app, user } })}>{user}</a>
        )}
      </dd>
      <dt>Origin</dt>
      <dd>{origin || <span class="muted">None was sent</span>}</dd>
      <dt>Key</dt>
      <dd class="mono">{key}</dd>
      <dt>Node</dt>
      <dd class="mono">{node}</dd>
      <dt>Last message</dt>
      <dd>{formatAge(lastReceived)} ago</dd>
      <dt>Buffered</dt>
      <dd>
        {bufferedBytes > 0 ? (
          <>
            <span class="tag warn">{formatBytes(bufferedBytes)}</span> The client does not read as fast as it is sent
            to.
          </>
        ) : (
          <span class="muted">Nothing: the client keeps up</span>
        )}
      </dd>
    </dl>
  );
}

interface SocketChannelsProps {
  readonly app: string;
  readonly socket: string;
  readonly channels: readonly ConnectionChannel[];
  readonly again: () => void;
}

function SocketChannels({ app, socket, channels, again }: SocketChannelsProps): JSX.Element {
  const { api, session } = useConsole();
  return (
    <TableBox label="Channels of the socket">
      <table class="table">
        <thead>
          <tr>
            <th scope="col">Channel</th>
            <th scope="col">Kind</th>
            <th scope="col">Member</th>
            {session.mayChange && (
              <th scope="col">
                <span class="hidden-text">Actions</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {channels.map(({ name, kind, user }) => (
            <tr key={name}>
              <td class="name">
                <a href={encodePlace({ view: 'channels', params: { app, channel: name } })}>{name}</a>
              </td>
              <td>
                <KindTag kind={kind} />
              </td>
              <td class="wrap">{user ?? <span class="muted">–</span>}</td>
              {session.mayChange && (
                <td class="actions">
                  <span class="bar end">
                    <Ask
                      action="Unsubscribe"
                      isSmall
                      title="Unsubscribe this socket?"
                      run={() =>
                        api
                          .call('POST', pathOf`/apps/${app}/connections/${socket}/unsubscribe`, { channel: name })
                          .then(again)
                      }
                      done={`${socket} was taken out of ${name}.`}
                    >
                      <code>{socket}</code> leaves <code class="wrap">{name}</code>. Nothing is revoked: the client may
                      subscribe again.
                    </Ask>
                    <Ask
                      action="Revoke"
                      isSmall
                      title="Revoke the access of this socket?"
                      run={() =>
                        api.call('DELETE', pathOf`/apps/${app}/channels/${name}/sockets/${socket}`).then(again)
                      }
                      done={`${socket} may no longer be in ${name}.`}
                    >
                      <code>{socket}</code> leaves <code class="wrap">{name}</code> with status 403, and can't come back
                      with the token or signature that it has.
                    </Ask>
                  </span>
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </TableBox>
  );
}
