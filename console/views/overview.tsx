import type { JSX } from 'preact';
import type { NodeFigures, NodeReport } from '../../server/console/contract.ts';
import { useConsole } from '../data/context.ts';
import {
  formatAge,
  formatBytes,
  formatCount,
  formatDay,
  formatMilliseconds,
  formatMoment,
  formatRate,
  formatShare,
  formatSpan,
} from '../data/format.ts';
import { Chart, type Line } from '../parts/chart.tsx';
import { Note, Waiting } from '../parts/note.tsx';
import { TableBox } from '../parts/table-box.tsx';

const CONNECTIONS: readonly Line[] = [{ label: 'open', color: 'line-1', value: ({ connections }) => connections }];
const MESSAGES: readonly Line[] = [
  { label: 'published', color: 'line-1', value: ({ rates }) => rates.published },
  { label: 'delivered', color: 'line-2', value: ({ rates }) => rates.delivered },
];
const SUBSCRIPTIONS: readonly Line[] = [{ label: 'now', color: 'line-1', value: ({ subscriptions }) => subscriptions }];

/** From here on clients notice, in milliseconds. */
const LATE_MS = 100;
const DAY_MS = 86_400_000;
const WARN_DAYS = 21;

const STATES: Readonly<Record<NodeReport['state'], { tone: string; text: string }>> = {
  ready: { tone: 'good', text: 'Ready' },
  'not-ready': { tone: 'bad', text: 'Not ready' },
  stopping: { tone: 'warn', text: 'Stopping' },
  silent: { tone: 'bad', text: 'Silent' },
};

/** How the whole cluster does, now and over the last minutes. */
export function OverviewView(): JSX.Element {
  const { live } = useConsole();
  const nodes = live.nodes.value;
  const last = live.moments.value.at(-1);
  return (
    <div class="view">
      <div class="view-head">
        <h1>Overview</h1>
      </div>
      {!last && <Waiting />}
      {last && (
        <>
          <Tiles nodes={nodes} />
          <Troubles nodes={nodes} />
          <div class="columns">
            <Chart title="Messages per second" lines={MESSAGES} />
            <Chart title="Connections" lines={CONNECTIONS} />
            <Chart title="Subscriptions" lines={SUBSCRIPTIONS} />
            <Surroundings nodes={nodes} />
          </div>
          <Nodes nodes={nodes} />
          <p class="muted">
            Charts begin when you open the console and keep 15 minutes. Metrics for Prometheus keep the past.
          </p>
        </>
      )}
    </div>
  );
}

function Tiles({ nodes }: { nodes: readonly NodeReport[] }): JSX.Element {
  const figures = figuresOf(nodes);
  const sum = (value: (one: NodeFigures) => number): number => figures.reduce((total, one) => total + value(one), 0);
  const ready = nodes.filter(({ state }) => state === 'ready').length;
  const late = Math.max(0, ...figures.map(({ eventLoopDelayMs }) => eventLoopDelayMs));
  const busiest = Math.max(0, ...figures.map(({ eventLoopUtilization }) => eventLoopUtilization));
  return (
    <div class="tiles">
      <Tile label="Connections" figure={formatCount(sum(({ connections }) => connections))} />
      <Tile label="Subscriptions" figure={formatCount(sum(({ subscriptions }) => subscriptions))} />
      <Tile
        label="Published / s"
        figure={formatRate(sum(({ perSecond }) => perSecond?.published ?? 0))}
        note={`${formatRate(sum(({ perSecond }) => perSecond?.received ?? 0))} from clients`}
      />
      <Tile label="Delivered / s" figure={formatRate(sum(({ perSecond }) => perSecond?.delivered ?? 0))} />
      <Tile label="Nodes ready" figure={`${ready} of ${nodes.length}`} />
      <Tile label="Event loop late" figure={formatMilliseconds(late)} note={`busiest ${formatShare(busiest)}`} />
    </div>
  );
}

function Tile({ label, figure, note }: { label: string; figure: string; note?: string }): JSX.Element {
  return (
    <div class="tile">
      <span class="label">{label}</span>
      <div class="figure">{figure}</div>
      {note && <div class="note">{note}</div>}
    </div>
  );
}

/** What somebody has to do something about. */
function Troubles({ nodes }: { nodes: readonly NodeReport[] }): JSX.Element | null {
  const troubles = nodes.filter(({ state }) => state !== 'ready');
  if (troubles.length === 0) return null;
  return (
    <div class="stack tight">
      {troubles.map(({ id, state, reason }) => (
        <Note key={id} tone={state === 'stopping' ? 'warn' : 'bad'}>
          <strong>
            Node {id}: {STATES[state].text.toLowerCase()}.
          </strong>{' '}
          {state === 'silent' ? 'It did not answer within two seconds: see its log.' : reason}
        </Note>
      ))}
    </div>
  );
}

/** What the nodes depend on. */
function Surroundings({ nodes }: { nodes: readonly NodeReport[] }): JSX.Element {
  const figures = figuresOf(nodes);
  const links = figures.flatMap(({ redis }) => redis ?? []);
  const broken = links.find(({ isReached }) => !isReached);
  const ends = figures.flatMap(({ certificateExpires }) => certificateExpires ?? []).sort();
  const [end] = ends;
  return (
    <div class="card">
      <div class="card-head">
        <h2>Surroundings</h2>
      </div>
      <div class="padded-box">
        <dl class="facts">
          <dt>Redis</dt>
          <dd>
            {links.length === 0 ? (
              <span class="muted">Not used: one machine</span>
            ) : (
              <>
                <span class={`tag ${broken ? 'bad' : 'good'}`}>{broken ? 'Away' : 'Reached'}</span>{' '}
                {(broken ?? links[0])?.detail}
              </>
            )}
          </dd>
          <dt>Certificate</dt>
          <dd>
            {end === undefined ? (
              <span class="muted">None: TLS ends in front of the broker</span>
            ) : (
              <Expiry end={end} />
            )}
          </dd>
          <dt>Event loop</dt>
          <dd>
            {figures.some(({ eventLoopDelayMs }) => eventLoopDelayMs > LATE_MS) ? (
              <>
                <span class="tag warn">Late</span> A node is more than {LATE_MS} ms late: it has too much to do.
              </>
            ) : (
              <span class="tag good">On time</span>
            )}
          </dd>
          <dt>Versions</dt>
          <dd>{[...new Set(nodes.map(({ version }) => version).filter(Boolean))].join(', ')}</dd>
        </dl>
      </div>
    </div>
  );
}

function Expiry({ end }: { end: string }): JSX.Element {
  const left = Date.parse(end) - Date.now();
  const tone = left <= 0 ? 'bad' : left < WARN_DAYS * DAY_MS ? 'warn' : 'good';
  return (
    <>
      <span class={`tag ${tone}`}>{left <= 0 ? 'Expired' : `${formatSpan(left)} left`}</span> {formatDay(end)}
    </>
  );
}

function Nodes({ nodes }: { nodes: readonly NodeReport[] }): JSX.Element {
  return (
    <div class="card">
      <div class="card-head">
        <h2>Nodes and workers</h2>
      </div>
      <TableBox label="Nodes and workers">
        <table class="table">
          <thead>
            <tr>
              <th scope="col">Node</th>
              <th scope="col">State</th>
              <th scope="col" class="number">
                Connections
              </th>
              <th scope="col" class="number">
                Channels
              </th>
              <th scope="col" class="number">
                Delivered / s
              </th>
              <th scope="col" class="number">
                Loop late
              </th>
              <th scope="col" class="number">
                Busy
              </th>
              <th scope="col" class="number">
                Memory
              </th>
              <th scope="col" class="number">
                Up
              </th>
            </tr>
          </thead>
          <tbody>
            {nodes.map((node) => (
              <NodeRow key={node.id} node={node} />
            ))}
          </tbody>
        </table>
      </TableBox>
    </div>
  );
}

function NodeRow({
  node: { id, state, host, pid, worker, version, since, figures },
}: {
  node: NodeReport;
}): JSX.Element {
  const { tone, text } = STATES[state];
  const known = state !== 'silent';
  return (
    <tr>
      <td class="name">
        {known ? host : id}
        <div class="muted">
          {known && [worker !== null && `worker ${worker}`, `pid ${pid}`, version].filter(Boolean).join(' · ')}
        </div>
      </td>
      <td>
        <span class={`tag ${tone}`}>{text}</span>
      </td>
      <td class="number">{figures ? formatCount(figures.connections) : '–'}</td>
      <td class="number">{figures ? formatCount(figures.channels) : '–'}</td>
      <td class="number">{figures?.perSecond ? formatRate(figures.perSecond.delivered) : '–'}</td>
      <td class="number">{figures ? formatMilliseconds(figures.eventLoopDelayMs) : '–'}</td>
      <td class="number">{figures ? formatShare(figures.eventLoopUtilization) : '–'}</td>
      <td class="number">{figures ? formatBytes(figures.residentBytes) : '–'}</td>
      <td class="number">
        {known ? (
          <time dateTime={since} title={formatMoment(since)}>
            {formatAge(since)}
          </time>
        ) : (
          '–'
        )}
      </td>
    </tr>
  );
}

function figuresOf(nodes: readonly NodeReport[]): readonly NodeFigures[] {
  return nodes.flatMap(({ figures }) => figures ?? []);
}
