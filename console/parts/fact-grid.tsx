import type { JSX } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import type { LiveFact, LiveType } from '../../server/console/contract.ts';
import { type LoggedFact, summaryOf } from '../data/fact-log.ts';
import { formatClock, plural } from '../data/format.ts';
import { PHONE, useMedia } from '../data/use-media.ts';

/** In pixels, as in the style sheet. */
const ROW = 30;
const PHONE_ROW = 50;
/** Rows beyond the edges, so that none is missing while one scrolls. */
const MARGIN_ROWS = 8;

const TONES: Readonly<Record<LiveType, string>> = {
  connected: '',
  disconnected: '',
  refused: 'bad',
  subscribed: 'good',
  'subscription-refused': 'bad',
  unsubscribed: '',
  'signed-in': 'plum',
  'signed-out': '',
  published: 'info',
  'publish-refused': 'bad',
  'client-event': 'info',
  'message-refused': 'bad',
  'cache-missed': 'warn',
  webhook: 'plum',
  audit: 'warn',
};

export function TypeTag({ fact }: { fact: LiveFact }): JSX.Element {
  const tone = fact.type === 'webhook' && fact.isAccepted === false ? 'bad' : TONES[fact.type];
  return <span class={`tag ${tone}`}>{fact.type === 'audit' ? 'change' : fact.type.replaceAll('-', ' ')}</span>;
}

interface FactGridProps {
  readonly rows: readonly LoggedFact[];
  /** Number of the fact that is inspected. */
  readonly chosen: number | undefined;
  readonly onChoose: (fact: LoggedFact) => void;
  /** The first row is no longer at the top, or is again. */
  readonly onScrolled: (isAway: boolean) => void;
}

/** Facts in rows: a grid and no table, as only those rows are drawn that can be seen. Arrow keys go from one to the next, Enter inspects it. */
export function FactGrid({ rows, chosen, onChoose, onScrolled }: FactGridProps): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const id = useId();
  const rowHeight = useMedia(PHONE) ? PHONE_ROW : ROW;
  const [view, setView] = useState({ top: 0, height: 600 });
  /** Number of the fact that the keyboard is at. */
  const [active, setActive] = useState<number | undefined>(undefined);

  useEffect(() => {
    const { current } = box;
    if (!current) return;
    const measure = (): void => setView({ top: current.scrollTop, height: current.clientHeight });
    measure();
    const resized = new ResizeObserver(measure);
    resized.observe(current);
    return () => resized.disconnect();
  }, []);

  const first = Math.max(0, Math.floor(view.top / rowHeight) - MARGIN_ROWS);
  const shown = rows.slice(first, first + Math.ceil(view.height / rowHeight) + 2 * MARGIN_ROWS);
  const activeRow = shown.find(({ number }) => number === active);

  const moveTo = (index: number): void => {
    const row = rows[Math.max(0, Math.min(rows.length - 1, index))];
    const { current } = box;
    if (!row || !current) return;
    setActive(row.number);
    const top = rows.indexOf(row) * rowHeight;
    // The head stays in view above the rows.
    const room = current.clientHeight - rowHeight * 2;
    if (top < current.scrollTop) current.scrollTop = top;
    else if (top > current.scrollTop + room) current.scrollTop = top - room;
    if (chosen !== undefined) onChoose(row);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const at = rows.findIndex(({ number }) => number === active);
    const page = Math.max(1, Math.floor(view.height / rowHeight) - 2);
    const steps: Record<string, number> = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      PageDown: at + page,
      PageUp: at - page,
      Home: 0,
      End: rows.length - 1,
    };
    const next = steps[event.key];
    const row = rows[at];
    if (next !== undefined) moveTo(next);
    else if (event.key === 'Enter' && row) onChoose(row);
    else return;
    event.preventDefault();
    onScrolled(true);
  };

  return (
    <div
      ref={box}
      class="log-rows"
      role="grid"
      aria-label="What happened, newest first"
      aria-rowcount={rows.length + 1}
      aria-activedescendant={activeRow && `${id}-${activeRow.number}`}
      tabIndex={0}
      onKeyDown={onKeyDown}
      onScroll={(event) => {
        const { scrollTop, clientHeight } = event.currentTarget;
        setView({ top: scrollTop, height: clientHeight });
        onScrolled(scrollTop > rowHeight / 2);
      }}
    >
      <div class="log-row log-head" role="row" aria-rowindex={1}>
        {['Time', 'What', 'App', 'Channel', 'Event', 'Details'].map((title) => (
          <span key={title} role="columnheader">
            {title}
          </span>
        ))}
      </div>
      <div role="rowgroup" class="log-space" style={{ height: `${rows.length * rowHeight}px` }}>
        {shown.map((row, index) => (
          <FactRow
            key={row.number}
            id={`${id}-${row.number}`}
            row={row}
            index={first + index}
            top={(first + index) * rowHeight}
            isChosen={row.number === chosen}
            isActive={row.number === active}
            onChoose={(fact) => {
              setActive(fact.number);
              onChoose(fact);
            }}
          />
        ))}
      </div>
    </div>
  );
}

interface FactRowProps {
  readonly id: string;
  readonly row: LoggedFact;
  readonly index: number;
  readonly top: number;
  readonly isChosen: boolean;
  readonly isActive: boolean;
  readonly onChoose: (row: LoggedFact) => void;
}

function FactRow({ id, row, index, top, isChosen, isActive, onChoose }: FactRowProps): JSX.Element {
  const { fact } = row;
  const [first = fact.channel, ...others] = fact.channels ?? [];
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the grid has the keys
    <div
      id={id}
      class={`log-row ${isActive ? 'active' : ''}`}
      role="row"
      aria-rowindex={index + 2}
      aria-selected={isChosen}
      style={{ transform: `translateY(${top}px)` }}
      onClick={() => onChoose(row)}
    >
      <span role="gridcell" class="log-time">
        {formatClock(fact.time)}
      </span>
      <span role="gridcell" class="log-type">
        <TypeTag fact={fact} />
      </span>
      <span role="gridcell" class="log-app">
        {fact.app}
      </span>
      <span role="gridcell" class="log-channel" title={first}>
        {first}
        {others.length > 0 && <span class="muted"> and {plural(others.length, 'other')}</span>}
      </span>
      <span role="gridcell" class="log-event" title={fact.event}>
        {fact.event}
      </span>
      <span role="gridcell" class="log-summary">
        {summaryOf(fact)}
      </span>
    </div>
  );
}
