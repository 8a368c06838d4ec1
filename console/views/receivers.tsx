import type { JSX } from 'preact';
import type { EventPublished } from '../../server/console/contract.ts';
import { formatCount, plural } from '../data/format.ts';

/** Of `info=receivers`, by channel. */
interface Reached {
  readonly connections: number;
  readonly nodes: number;
}

/** How many received an event, as far as the broker says so. */
export function Receivers({ answer }: { answer: EventPublished }): JSX.Element {
  const { channels = {} } = answer as EventPublished & {
    readonly channels?: Readonly<Record<string, { readonly receivers?: Reached }>>;
  };
  const reached = Object.entries(channels).flatMap(([name, { receivers }]) =>
    receivers ? [{ name, ...receivers }] : [],
  );
  if (reached.length === 0) return <span class="tag good">Published</span>;
  return (
    <ul>
      {reached.map(({ name, connections, nodes }) => (
        <li key={name}>
          {reached.length > 1 && <code class="wrap">{name}: </code>}
          <strong>{formatCount(connections)}</strong> {connections === 1 ? 'connection' : 'connections'}
          {nodes > 1 && <span class="muted"> on {plural(nodes, 'node')}</span>}
        </li>
      ))}
    </ul>
  );
}
