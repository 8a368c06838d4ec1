import { useComputed, useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { LiveFilter } from '../../server/console/contract.ts';
import { useConsole } from '../data/context.ts';
import { FactLog, type LoggedFact, MOST_KEPT, meets, TYPE_GROUPS } from '../data/fact-log.ts';
import { formatCount, plural } from '../data/format.ts';
import { NARROW, PHONE, useMedia } from '../data/use-media.ts';
import { AppSelect, useApps } from '../parts/app-picker.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { FactGrid } from '../parts/fact-grid.tsx';
import { Search } from '../parts/field.tsx';
import { Icon } from '../parts/icon.tsx';
import { Empty } from '../parts/note.tsx';
import { FactDetail } from './fact-detail.tsx';

/** After the last letter, until the nodes are told of another filter, in milliseconds. */
const TYPED_MS = 350;

/** What is shown while new facts wait: those that there were. */
interface Held {
  readonly rows: readonly LoggedFact[];
  readonly last: number;
  readonly by: 'button' | 'scrolling';
}

/** What happens on all nodes, as it happens. */
export function LiveLogView(): JSX.Element {
  const { live, address } = useConsole();
  const { params } = address.place.value;
  const log = useMemo(() => new FactLog(), []);
  const held = useSignal<Held | undefined>(undefined);
  const [chosen, setChosen] = useState<LoggedFact | undefined>(undefined);
  const isNarrow = useMedia(NARROW);
  const filter = filterOf(params);
  const key = JSON.stringify(filter);

  useEffect(() => {
    const timer = setTimeout(() => live.read(JSON.parse(key), log), log.last === 0 ? 0 : TYPED_MS);
    return () => clearTimeout(timer);
  }, [key, live, log]);
  useEffect(() => () => live.endReading(log), [live, log]);

  const rows = useComputed(() => held.value?.rows ?? log.rows.value).value;
  const shown = useMemo(() => rows.filter(({ fact }) => meets(fact, JSON.parse(key))), [rows, key]);
  const waiting = held.value ? log.rows.value.filter(({ number }) => number > (held.value?.last ?? 0)).length : 0;

  const hold = (by: Held['by']): void => {
    held.value = { rows: log.rows.peek(), last: log.last, by };
  };
  const isPaused = held.value?.by === 'button';
  const togglePause = (): void => {
    if (isPaused) held.value = undefined;
    else hold('button');
  };
  const onScrolled = (isAway: boolean): void => {
    if (isAway && !held.peek()) hold('scrolling');
    if (!isAway && held.peek()?.by === 'scrolling') held.value = undefined;
  };

  useEffect(() => {
    if (!chosen || isNarrow) return;
    const close = ({ key: pressed }: KeyboardEvent): void => {
      if (pressed === 'Escape') setChosen(undefined);
    };
    addEventListener('keydown', close);
    return () => removeEventListener('keydown', close);
  }, [chosen, isNarrow]);

  return (
    <div class="view full">
      <div class="view-head">
        <h1>Live log</h1>
        <span class="muted">
          {formatCount(shown.length)} shown
          {rows.length >= MOST_KEPT && `, the last ${formatCount(MOST_KEPT)} are kept`}
        </span>
        <div class="push bar">
          <button type="button" class="button" aria-pressed={isPaused} onClick={togglePause}>
            <Icon name={isPaused ? 'play' : 'pause'} />
            {isPaused ? 'Resume' : 'Pause'}
          </button>
          <button
            type="button"
            class="button"
            onClick={() => {
              log.clear();
              if (held.value) hold(held.value.by);
              setChosen(undefined);
            }}
          >
            Clear
          </button>
        </div>
      </div>
      <Filters params={params} />
      <div class="log-notes">
        {waiting > 0 && (
          <button
            type="button"
            class="button small primary"
            onClick={() => {
              held.value = undefined;
              document.querySelector('.log-rows')?.scrollTo({ top: 0 });
            }}
          >
            <Icon name="up" /> {formatCount(waiting)} new
          </button>
        )}
        {log.left.value > 0 && (
          <span class="tag warn">
            {plural(log.left.value, 'more thing')} happened than can be shown. Narrow the filter to see all that it is
            about.
          </span>
        )}
      </div>
      <div class={`log ${chosen && !isNarrow ? 'with-detail' : ''}`}>
        <div class="card log-card">
          {shown.length === 0 ? (
            <Empty
              icon="log"
              title={rows.length > 0 || key !== '{}' ? 'Nothing that meets the filter yet' : 'Nothing has happened yet'}
            >
              <p>
                Connections, subscriptions, events, refusals and webhooks of all nodes appear here the moment they
                happen. Nothing is kept from before this page was opened.
              </p>
              {key !== '{}' && (
                <button type="button" class="button" onClick={() => address.go('log')}>
                  Remove the filter
                </button>
              )}
            </Empty>
          ) : (
            <FactGrid rows={shown} chosen={chosen?.number} onChoose={setChosen} onScrolled={onScrolled} />
          )}
        </div>
        {chosen && !isNarrow && (
          <aside class="card log-detail" aria-label="Details">
            <div class="card-head">
              <h2>Details</h2>
              <div class="push">
                <button
                  type="button"
                  class="button quiet small square"
                  aria-label="Close details"
                  onClick={() => setChosen(undefined)}
                >
                  <Icon name="close" />
                </button>
              </div>
            </div>
            <div class="padded-box">
              <FactDetail fact={chosen.fact} />
            </div>
          </aside>
        )}
        {chosen && isNarrow && (
          <Dialog title="Details" onClose={() => setChosen(undefined)}>
            <div class="dialog-body">
              <FactDetail fact={chosen.fact} />
            </div>
          </Dialog>
        )}
      </div>
    </div>
  );
}

type Params = Readonly<Record<string, string>>;

/** Of the address: `show` has ids of groups, everything else is as the nodes take it. */
function filterOf({ app, show, channel, event, socket, text }: Params): LiveFilter {
  const groups = (show ?? '').split(',');
  const type = TYPE_GROUPS.filter(({ id }) => groups.includes(id))
    .flatMap(({ types }) => types)
    .join(',');
  const given = Object.entries({ app, type, channel, event, socket, text }).filter(([, value]) => value);
  return Object.fromEntries(given);
}

const FIELDS = [
  { name: 'channel', label: 'Channel', hint: 'Channel, or private-*' },
  { name: 'event', label: 'Event', hint: 'Event, or order.*' },
  { name: 'socket', label: 'Socket', hint: 'Socket id' },
] as const;

function Filters({ params }: { params: Params }): JSX.Element {
  const { address } = useConsole();
  const apps = useApps().data?.apps ?? [];
  const isPhone = useMedia(PHONE);
  const given = Object.entries(params).filter(([name, value]) => name !== 'show' && value !== '').length;
  const shown = (params.show ?? '').split(',').filter(Boolean);
  const toggle = (id: string): void => {
    const next = shown.includes(id) ? shown.filter((one) => one !== id) : [...shown, id];
    address.adjust({ show: next.join(',') });
  };
  const fields = (
    <search class="bar">
      <AppSelect apps={apps} value={params.app ?? ''} mayBeAll onChange={(app) => address.adjust({ app })} />
      {FIELDS.map(({ name, label, hint }) => (
        <input
          key={name}
          class="input"
          aria-label={label}
          placeholder={hint}
          spellcheck={false}
          autocomplete="off"
          value={params[name] ?? ''}
          onInput={(event) => address.adjust({ [name]: event.currentTarget.value.trim() })}
        />
      ))}
      <Search label="Any text" value={params.text ?? ''} onInput={(text) => address.adjust({ text })} />
    </search>
  );
  return (
    <div class="stack tight">
      <fieldset class="bar scroll-x">
        <legend class="hidden-text">What is shown</legend>
        {TYPE_GROUPS.map(({ id, title }) => (
          <button
            key={id}
            type="button"
            class="button small"
            aria-pressed={shown.includes(id)}
            onClick={() => toggle(id)}
          >
            {title}
          </button>
        ))}
      </fieldset>
      {isPhone ? (
        <details open={given > 0}>
          <summary class="button small">Filters{given > 0 && ` (${given})`}</summary>
          {fields}
        </details>
      ) : (
        fields
      )}
    </div>
  );
}
