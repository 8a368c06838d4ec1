import type { ComponentChildren, JSX } from 'preact';
import type { LiveFact } from '../../server/console/contract.ts';
import { encodePlace } from '../data/address.ts';
import { useConsole } from '../data/context.ts';
import { curlOf } from '../data/curl.ts';
import { formatBytes, formatCount, formatMilliseconds, formatMoment } from '../data/format.ts';
import { Payload } from '../parts/code.tsx';
import { CopyButton } from '../parts/copy.tsx';
import { TypeTag } from '../parts/fact-grid.tsx';
import { Note } from '../parts/note.tsx';

/** All that is known of one fact. */
export function FactDetail({ fact }: { fact: LiveFact }): JSX.Element {
  const { session } = useConsole();
  const state = session.state.value;
  const hasTokens = state.is === 'signed-in' && state.session.expires !== null;
  const curl = curlOf(fact, { origin: location.origin, hasTokens });
  const { data, bytes = 0 } = fact;
  const isCut = data !== undefined && bytes > new TextEncoder().encode(data).length;
  return (
    <div class="stack">
      <div class="bar">
        <TypeTag fact={fact} />
        <time dateTime={fact.time} class="muted">
          {formatMoment(fact.time)}
        </time>
      </div>
      <dl class="facts">
        {factsOf(fact).map(([name, value]) => (
          <div key={name} class="fact">
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {data !== undefined && <Payload title="data" text={data} />}
      {isCut && <Note tone="warn">Only the beginning of the data is shown; it has {formatBytes(bytes)}.</Note>}
      <div class="bar">
        {curl !== undefined && <CopyButton text={curl} label="Copy as curl" />}
        <CopyButton text={JSON.stringify(fact, null, 2)} label="Copy as JSON" />
      </div>
    </div>
  );
}

function factsOf(fact: LiveFact): readonly (readonly [string, ComponentChildren])[] {
  const { app = '', channel, channels = channel === undefined ? [] : [channel], socket, receivers, bytes } = fact;
  const link = (view: string, name: string, value: string): JSX.Element => (
    <a key={value} class="mono" href={encodePlace({ view, params: { app, [name]: value } })}>
      {value}
    </a>
  );
  const facts: readonly (readonly [string, ComponentChildren])[] = [
    ['App', fact.app],
    ['Event', fact.event && <span class="mono">{fact.event}</span>],
    [
      channels.length > 1 ? 'Channels' : 'Channel',
      channels.length > 0 && channels.map((name) => <div key={name}>{link('channels', 'channel', name)}</div>),
    ],
    ['Socket', socket !== undefined && link('sockets', 'socket', socket)],
    ['User', fact.user],
    ['Receivers', receivers !== undefined && `${formatCount(receivers)} on this node`],
    ['Size', bytes !== undefined && formatBytes(bytes)],
    ['Code', fact.code !== undefined && String(fact.code)],
    ['Cause', fact.cause && <span class="mono">{fact.cause}</span>],
    ['Reason', fact.reason],
    ['Webhook', fact.webhook && link('webhooks', 'webhook', fact.webhook)],
    ['Events', fact.events?.join(', ')],
    ['Accepted', fact.isAccepted !== undefined && (fact.isAccepted ? 'yes' : 'no')],
    ['Attempt', fact.attempt !== undefined && String(fact.attempt)],
    ['Took', fact.durationMs !== undefined && formatMilliseconds(fact.durationMs)],
    ['Who', fact.who],
    ['What', fact.what],
    ['Origin', fact.origin],
    ['Address', fact.ip],
    ['User agent', fact.userAgent],
    [
      'Node',
      <span key="node" class="mono">
        {fact.node}
      </span>,
    ],
  ];
  return facts.filter(([, value]) => value !== undefined && value !== false && value !== '');
}
