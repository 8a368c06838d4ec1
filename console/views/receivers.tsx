import type { JSX } from 'preact';
import type { EventPublished } from '../../server/console/contract.ts';
import { formatCount, plural } from '../data/format.ts';

/** How many an event was handed to. */
export function Receivers({ answer: { channels = {} } }: { answer: EventPublished }): JSX.Element {
  const reached = Object.entries(channels).flatMap(([name, { receivers }]) =>
    receivers ? [{ name, ...receivers }] : [],
  );
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
