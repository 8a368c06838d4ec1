import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { messageOf, pathOf, queryOf } from '../data/admin-api.ts';
import { useConsole } from '../data/context.ts';
import { formatAge, formatCount, formatMoment, plural } from '../data/format.ts';
import { useAnswer } from '../data/use-answer.ts';
import { OfApp } from '../parts/app-picker.tsx';
import { Ask } from '../parts/ask.tsx';
import { Payload } from '../parts/code.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { Icon } from '../parts/icon.tsx';
import { More, STEP } from '../parts/more.tsx';
import { Empty, Failure, Note, Waiting } from '../parts/note.tsx';
import { TableBox } from '../parts/table-box.tsx';
import type { DeadLetters, WebhookList, WebhookRow, WebhookTest } from './webhook-types.ts';

const EVERY_SECONDS = 4;

/** Who is told what happens in an app, and what they did not accept. */
export function WebhooksView(): JSX.Element {
  return (
    <OfApp
      title="Webhooks"
      about="URLs that are told what happens in the app, how each does, and what it did not accept."
    >
      {(app) => <WebhookCards app={app} />}
    </OfApp>
  );
}

function WebhookCards({ app }: { app: string }): JSX.Element {
  const { data, error, again } = useAnswer<WebhookList>(pathOf`/apps/${app}/webhooks`, EVERY_SECONDS);
  return (
    <>
      {error !== undefined && <Failure error={error} again={again} />}
      {!data && error === undefined && <Waiting />}
      {data?.webhooks.length === 0 && (
        <div class="card">
          <Empty icon="webhooks" title="This app has no webhooks">
            <p>
              Add them under <code>webhooks</code> in the configuration of the app, or with a <code>PATCH</code> of the
              admin API: it needs a URL and what the URL is to be told.
            </p>
          </Empty>
        </div>
      )}
      {data?.webhooks.map((webhook) => (
        <WebhookCard key={webhook.id} app={app} webhook={webhook} again={again} />
      ))}
    </>
  );
}

interface WebhookProps {
  readonly app: string;
  readonly webhook: WebhookRow;
  readonly again: () => void;
}

function WebhookCard({ app, webhook, again }: WebhookProps): JSX.Element {
  const [showsLetters, setShowsLetters] = useState(false);
  const { id, url, eventTypes, removed, waiting, oldest, attempts, failures, delivered, deadLetters, lastAttempt } =
    webhook;
  return (
    <div class="card">
      <div class="card-head">
        <h2 class="mono wrap">{url}</h2>
        <WebhookState webhook={webhook} />
        <div class="push">{!removed && <TestButton app={app} webhook={id} />}</div>
      </div>
      <div class="padded-box">
        <dl class="facts">
          <dt>Told about</dt>
          <dd class="bar">
            {eventTypes.map((type) => (
              <span key={type} class="tag">
                {type}
              </span>
            ))}
          </dd>
          <dt>Waiting</dt>
          <dd>
            {plural(waiting, 'event')}
            {oldest !== undefined && <span class="muted">, the oldest for {formatAge(oldest)}</span>}
          </dd>
          <dt>Accepted</dt>
          <dd>{plural(delivered, 'event')}</dd>
          <dt>Attempts</dt>
          <dd>
            {plural(attempts, 'request')}
            {failures > 0 && <span class="muted">, {formatCount(failures)} of them not accepted</span>}
          </dd>
          <dt>Last attempt</dt>
          <dd>
            {lastAttempt === undefined ? <span class="muted">None lately</span> : `${formatAge(lastAttempt)} ago`}
          </dd>
          <dt>Dead letters</dt>
          <dd>
            {deadLetters === 0 ? (
              <span class="muted">None</span>
            ) : (
              <button
                type="button"
                class="button small"
                aria-expanded={showsLetters}
                onClick={() => setShowsLetters(!showsLetters)}
              >
                {showsLetters ? 'Hide' : 'Show'} {formatCount(deadLetters)}
              </button>
            )}
          </dd>
          <dt>Id</dt>
          <dd class="mono">{id}</dd>
        </dl>
      </div>
      {showsLetters && deadLetters > 0 && <Letters app={app} webhook={webhook} again={again} />}
    </div>
  );
}

function WebhookState({ webhook: { removed, lastError, lastStatus, attempts } }: { webhook: WebhookRow }): JSX.Element {
  if (removed) return <span class="tag warn">Removed from the app</span>;
  if (lastError !== undefined) return <span class="tag bad">Failing: {lastError}</span>;
  if (attempts === 0) return <span class="tag">Not used lately</span>;
  return <span class="tag good">Accepts{lastStatus !== undefined && ` (${lastStatus})`}</span>;
}

function Letters({ app, webhook: { id, removed }, again }: WebhookProps): JSX.Element {
  const { api, session } = useConsole();
  const [limit, setLimit] = useState(STEP);
  const path = pathOf`/apps/${app}/dead-letters/${id}`;
  const { data, error, again: reload } = useAnswer<DeadLetters>(`${path}${queryOf({ limit })}`, EVERY_SECONDS);
  const done = (): void => {
    again();
    reload();
  };
  if (error !== undefined) return <Failure error={error} again={reload} />;
  if (!data) return <Waiting />;
  return (
    <>
      {session.mayChange && (
        <div class="table-foot bar">
          {!removed && (
            <Ask
              action="Send all again"
              isSmall
              isDangerous={false}
              title="Send all dead letters again?"
              run={() => api.call('POST', path).then(done)}
              done="All dead letters are on their way again."
            >
              {plural(data.total, 'event')} will be sent again, each with its id and a new time. Other events of the
              same channels may have come after them meanwhile.
            </Ask>
          )}
          <Ask
            action="Discard all"
            isSmall
            title="Discard all dead letters?"
            run={() => api.call('DELETE', path).then(done)}
            done="All dead letters were discarded."
          >
            {plural(data.total, 'event')} will be gone for good: the webhook never hears of them.
          </Ask>
        </div>
      )}
      <TableBox label="Dead letters">
        <table class="table">
          <thead>
            <tr>
              <th scope="col">Event</th>
              <th scope="col">Why</th>
              <th scope="col" class="number wide-only">
                Attempts
              </th>
              <th scope="col" class="number">
                Happened
              </th>
              {session.mayChange && (
                <th scope="col">
                  <span class="hidden-text">Actions</span>
                </th>
              )}
            </tr>
          </thead>
          <tbody>
            {data.deadLetters.map(({ id: letter, event, error: reason, attempts, time }) => (
              <tr key={letter}>
                <td class="name">
                  {event.name}
                  <div class="muted">{event.channel}</div>
                </td>
                <td class="wrap">{reason}</td>
                <td class="number wide-only">{formatCount(attempts)}</td>
                <td class="number">
                  <time dateTime={time} title={formatMoment(time)}>
                    {formatAge(time)} ago
                  </time>
                </td>
                {session.mayChange && (
                  <td class="actions">
                    <LetterActions app={app} webhook={id} letter={letter} isRemoved={removed === true} done={done} />
                  </td>
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </TableBox>
      <More
        shown={data.deadLetters.length}
        total={data.total}
        limit={limit}
        onLimit={setLimit}
        advice="Send or discard these to see the others."
      />
    </>
  );
}

interface LetterActionsProps {
  readonly app: string;
  readonly webhook: string;
  readonly letter: string;
  readonly isRemoved: boolean;
  readonly done: () => void;
}

function LetterActions({ app, webhook, letter, isRemoved, done }: LetterActionsProps): JSX.Element {
  const { api, messages } = useConsole();
  const path = pathOf`/apps/${app}/dead-letters/${webhook}/${letter}`;
  const replay = (): void => {
    api.call('POST', path).then(
      () => {
        messages.tell('The event is on its way again.');
        done();
      },
      (error: unknown) => messages.complain(error),
    );
  };
  return (
    <span class="bar end">
      {!isRemoved && (
        <button type="button" class="button small" onClick={replay}>
          Send again
        </button>
      )}
      <Ask
        action="Discard"
        isSmall
        title="Discard this event?"
        run={() => api.call('DELETE', path).then(done)}
        done="The event was discarded."
      >
        The webhook never hears of it.
      </Ask>
    </span>
  );
}

function TestButton({ app, webhook }: { app: string; webhook: string }): JSX.Element | null {
  const { api, session } = useConsole();
  const [outcome, setOutcome] = useState<{ test?: WebhookTest; error?: string } | undefined>(undefined);
  const [isBusy, setBusy] = useState(false);
  if (!session.mayChange) return null;
  const run = async (): Promise<void> => {
    setBusy(true);
    try {
      setOutcome({ test: await api.call('POST', pathOf`/apps/${app}/webhooks/test`, { webhook }) });
    } catch (error) {
      setOutcome({ error: messageOf(error) });
    }
    setBusy(false);
  };
  return (
    <>
      <button type="button" class="button small" disabled={isBusy} onClick={() => void run()}>
        <Icon name="play" /> {isBusy ? 'Waits for the answer …' : 'Send a test'}
      </button>
      {outcome && (
        <Dialog title="Test of the webhook" isWide onClose={() => setOutcome(undefined)}>
          <div class="dialog-body">
            {outcome.error !== undefined && <Note tone="bad">{outcome.error}</Note>}
            {outcome.test && <TestOutcome test={outcome.test} />}
          </div>
        </Dialog>
      )}
    </>
  );
}

function TestOutcome({ test: { accepted, milliseconds, request, answer, error } }: { test: WebhookTest }): JSX.Element {
  const headers = Object.entries(request.headers).map(([name, value]) => `${name}: ${value}`);
  return (
    <>
      <Note tone={accepted ? 'good' : 'bad'}>
        {accepted ? 'Accepted' : 'Not accepted'}
        {answer && `, with status ${answer.status}`}, after {Math.round(milliseconds)} ms.
        {error !== undefined && ` ${error}`}
      </Note>
      <Payload title="request headers" text={[`POST ${request.url}`, ...headers].join('\n')} />
      <Payload title="request body" text={request.body} />
      {answer && answer.body !== '' && <Payload title="answer" text={answer.body} />}
    </>
  );
}
