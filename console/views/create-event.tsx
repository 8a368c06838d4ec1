import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { EventPublished } from '../../server/console/contract.ts';
import { AdminApiError, messageOf, type Problem, pathOf } from '../data/admin-api.ts';
import { useConsole } from '../data/context.ts';
import { curlOfEvent } from '../data/curl.ts';
import { formatBytes, formatClock, plural } from '../data/format.ts';
import { formatJson, jsonProblem } from '../data/json.ts';
import { OfApp } from '../parts/app-picker.tsx';
import { CopyButton } from '../parts/copy.tsx';
import { Check, Field } from '../parts/field.tsx';
import { Icon } from '../parts/icon.tsx';
import { Empty, Note } from '../parts/note.tsx';
import { TableBox } from '../parts/table-box.tsx';
import { Receivers } from './receivers.tsx';

interface Sent {
  readonly time: string;
  readonly name: string;
  readonly channels: readonly string[];
  readonly data: string;
  readonly isText: boolean;
  readonly answer: EventPublished;
}

const MOST_SENT = 20;

/** Sends events as a backend would. */
export function CreateEventView(): JSX.Element {
  const { session } = useConsole();
  return (
    <OfApp
      title="Send an event"
      about="Publishes an event as your backend would: whoever is subscribed receives it now."
    >
      {(app) =>
        session.mayChange ? (
          <Creator key={app} app={app} />
        ) : (
          <Empty icon="key" title="Your token may only read">
            <p>To send events, sign in with a token whose access is “all”.</p>
          </Empty>
        )
      }
    </OfApp>
  );
}

function Creator({ app }: { app: string }): JSX.Element {
  const { api, address, session } = useConsole();
  const [channels, setChannels] = useState(address.place.peek().params.channels ?? '');
  const [name, setName] = useState('');
  const [data, setData] = useState('{\n  "hello": "world"\n}');
  const [isText, setText] = useState(false);
  const [error, setError] = useState<unknown>(undefined);
  const [isBusy, setBusy] = useState(false);
  const [sent, setSent] = useState<readonly Sent[]>([]);
  const [isTried, setTried] = useState(false);

  const names = channels.split(/[\s,]+/).filter(Boolean);
  const dataProblem = isText ? undefined : jsonProblem(data);
  const mine = {
    channels: names.length === 0 ? 'Name at least one channel.' : undefined,
    name: name.trim() === '' ? 'Give the event a name.' : undefined,
  };
  const event = { name: name.trim(), channels: names, data };
  const state = session.state.value;
  const hasTokens = state.is === 'signed-in' && state.session.expires !== null;

  const send = async (): Promise<void> => {
    setTried(true);
    if (mine.channels ?? mine.name ?? dataProblem) return;
    setBusy(true);
    setError(undefined);
    try {
      const answer = await api.call<EventPublished>('POST', pathOf`/apps/${app}/events`, {
        ...event,
        info: 'receivers',
      });
      const time = new Date().toISOString();
      setSent((before) => [{ time, ...event, isText, answer }, ...before].slice(0, MOST_SENT));
      setTried(false);
    } catch (failure) {
      setError(failure);
    }
    setBusy(false);
  };

  return (
    <div class="columns uneven">
      <form
        class="card padded stack"
        noValidate
        onSubmit={(submitted) => {
          submitted.preventDefault();
          void send();
        }}
      >
        <Field
          label="Channels"
          hint="One, or several with commas between them."
          problem={(isTried ? mine.channels : undefined) ?? problemAt(error, 'channels')}
        >
          {(input) => (
            <input
              {...input}
              class="input mono"
              spellcheck={false}
              autocomplete="off"
              value={channels}
              onInput={({ currentTarget }) => setChannels(currentTarget.value)}
            />
          )}
        </Field>
        <Field label="Event" problem={(isTried ? mine.name : undefined) ?? problemAt(error, 'name')}>
          {(input) => (
            <input
              {...input}
              class="input mono"
              spellcheck={false}
              autocomplete="off"
              value={name}
              onInput={({ currentTarget }) => setName(currentTarget.value)}
            />
          )}
        </Field>
        <Field
          label="Data"
          hint={`${formatBytes(new TextEncoder().encode(data).length)}${isText ? '' : ', JSON'}`}
          problem={dataProblem ?? problemAt(error, 'data')}
        >
          {(input) => (
            <textarea
              {...input}
              class="input"
              rows={10}
              spellcheck={false}
              value={data}
              onInput={({ currentTarget }) => setData(currentTarget.value)}
            />
          )}
        </Field>
        <Check
          label="Any text"
          hint="Send the data as it stands. Otherwise it has to be JSON, which is what clients expect."
          isChecked={isText}
          onChange={setText}
        />
        {error !== undefined && problemsOf(error).length === 0 && <Note tone="bad">{messageOf(error)}</Note>}
        <div class="bar">
          <button type="submit" class="button primary" disabled={isBusy}>
            <Icon name="create" /> Send
          </button>
          <button
            type="button"
            class="button"
            disabled={isText || dataProblem !== undefined}
            onClick={() => setData(formatJson(data) ?? data)}
          >
            Format
          </button>
          <CopyButton text={curlOfEvent(app, event, { origin: location.origin, hasTokens })} label="Copy as curl" />
        </div>
      </form>
      <div class="card">
        <div class="card-head">
          <h2>Sent from here</h2>
        </div>
        <div role="status">
          {sent.length === 0 ? (
            <Empty icon="create" title="Nothing sent yet">
              <p>What you send is listed here with the answer, until you leave this view.</p>
            </Empty>
          ) : (
            <TableBox label="Sent events">
              <table class="table">
                <thead>
                  <tr>
                    <th scope="col">Time</th>
                    <th scope="col">Event</th>
                    <th scope="col">Received by</th>
                    <th scope="col">
                      <span class="hidden-text">Actions</span>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {sent.map((one) => (
                    <tr key={one.time}>
                      <td class="muted">{formatClock(one.time)}</td>
                      <td class="name">
                        {one.name}
                        <div class="muted">
                          {one.channels.length === 1 ? one.channels[0] : plural(one.channels.length, 'channel')}
                        </div>
                      </td>
                      <td>
                        <Receivers answer={one.answer} />
                      </td>
                      <td class="actions">
                        <button
                          type="button"
                          class="button small"
                          onClick={() => {
                            setChannels(one.channels.join(', '));
                            setName(one.name);
                            setData(one.data);
                            setText(one.isText);
                          }}
                        >
                          Use again
                        </button>
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </TableBox>
          )}
        </div>
      </div>
    </div>
  );
}

function problemsOf(error: unknown): readonly Problem[] {
  return error instanceof AdminApiError ? error.problems : [];
}

/** @param field - of the body */
function problemAt(error: unknown, field: string): string | undefined {
  return problemsOf(error).find(({ path }) => path === `/${field}` || path.startsWith(`/${field}/`))?.message;
}
