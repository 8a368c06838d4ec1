import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';
import { encodePlace } from '../data/address.ts';
import { AdminApiError, messageOf, pathOf } from '../data/admin-api.ts';
import { useConsole } from '../data/context.ts';
import { formatCount } from '../data/format.ts';
import { useAnswer } from '../data/use-answer.ts';
import { type ShownApp, STORED } from '../parts/app-picker.tsx';
import { Ask } from '../parts/ask.tsx';
import { CopyButton } from '../parts/copy.tsx';
import { Check, Field } from '../parts/field.tsx';
import { Icon } from '../parts/icon.tsx';
import { Failure, Note, Waiting } from '../parts/note.tsx';
import { LIMITS, SWITCHES } from './app-options.ts';
import { ConnectBlocks } from './connect-blocks.tsx';
import { KeyDialog, type MadeKey } from './key-dialog.tsx';

/** With all options. */
type WholeApp = ShownApp & Readonly<Record<string, unknown>>;

interface Usage {
  readonly connections: number;
  readonly channels: number;
  readonly subscriptions: number;
  readonly presenceUsers: number;
}

const USAGE_SECONDS = 4;

/** What an app is, who uses it and how, and what may be changed of it. */
export function OneApp({ id }: { id: string }): JSX.Element {
  const path = pathOf`/apps/${id}`;
  const { data, error, again } = useAnswer<WholeApp>(path);
  return (
    <div class="view">
      <div class="crumb">
        <a class="button quiet small" href="#/apps">
          <Icon name="back" /> All apps
        </a>
      </div>
      <div class="view-head">
        <h1 class="wrap">{data?.name ?? id}</h1>
        {data && <span class={`tag ${data.enabled ? 'good' : 'warn'}`}>{data.enabled ? 'Enabled' : 'Disabled'}</span>}
        {data && <Actions app={data} again={again} />}
      </div>
      {error !== undefined && <Failure error={error} again={again} />}
      {!data && error === undefined && <Waiting />}
      {data && (
        <>
          <UsageTiles id={id} />
          <div class="columns">
            <Card title="App">
              <dl class="facts">
                <dt>Id</dt>
                <dd class="mono">{id}</dd>
                <dt>Kept in</dt>
                <dd>{STORED[data.stored]}</dd>
                <dt>See</dt>
                <dd class="bar">
                  {['channels', 'sockets', 'webhooks', 'log'].map((view) => (
                    <a key={view} href={encodePlace({ view, params: { app: id } })}>
                      {view}
                    </a>
                  ))}
                </dd>
              </dl>
            </Card>
            <Keys app={data} again={again} />
          </div>
          <Card title="Connect an application">
            <ConnectBlocks id={id} appKey={data.keys[0]?.key ?? ''} />
          </Card>
          <Options key={JSON.stringify(data)} app={data} again={again} />
        </>
      )}
    </div>
  );
}

function Card({
  title,
  action,
  children,
}: {
  title: string;
  action?: ComponentChildren;
  children: ComponentChildren;
}): JSX.Element {
  return (
    <div class="card">
      <div class="card-head">
        <h2>{title}</h2>
        {action && <div class="push">{action}</div>}
      </div>
      <div class="padded-box">{children}</div>
    </div>
  );
}

function Actions({ app: { id, enabled }, again }: { app: WholeApp; again: () => void }): JSX.Element {
  const { api, address, session } = useConsole();
  const path = pathOf`/apps/${id}`;
  return (
    <div class="push bar">
      {enabled ? (
        <Ask
          action="Disable"
          title="Disable this app?"
          run={() => api.call('POST', `${path}/disable`).then(again)}
          done={`${id} is disabled.`}
        >
          Its connections are closed with 4003, and its clients and requests are refused until you enable it again.
        </Ask>
      ) : (
        <Ask
          action="Enable"
          isDangerous={false}
          title="Enable this app?"
          run={() => api.call('POST', `${path}/enable`).then(again)}
          done={`${id} is enabled.`}
        >
          Its clients and requests are accepted again.
        </Ask>
      )}
      {session.seesAllApps && (
        <Ask
          action="Delete"
          icon="remove"
          title={`Delete ${id}?`}
          run={() => api.call('DELETE', path).then(() => address.go('apps'))}
          done={`${id} was deleted.`}
        >
          Its connections are closed with 4001, and its keys no longer work. This can't be undone.
        </Ask>
      )}
    </div>
  );
}

function UsageTiles({ id }: { id: string }): JSX.Element | null {
  const { data } = useAnswer<Usage>(pathOf`/apps/${id}/usage`, USAGE_SECONDS);
  const tiles = [
    ['Connections', data?.connections],
    ['Channels', data?.channels],
    ['Subscriptions', data?.subscriptions],
    ['Presence users', data?.presenceUsers],
  ] as const;
  return (
    <div class="tiles">
      {tiles.map(([label, count]) => (
        <div key={label} class="tile">
          <span class="label">{label}</span>
          <div class="figure">{count === undefined ? '–' : formatCount(count)}</div>
        </div>
      ))}
    </div>
  );
}

function Keys({ app: { id, keys }, again }: { app: WholeApp; again: () => void }): JSX.Element {
  const { api, session, messages } = useConsole();
  const [made, setMade] = useState<MadeKey | undefined>(undefined);
  const add = (): void => {
    api.call<{ key: string; secret: string }>('POST', pathOf`/apps/${id}/keys`).then(
      ({ key, secret }) => setMade({ id, key, secret }),
      (error: unknown) => messages.complain(error),
    );
  };
  return (
    <div class="card">
      <div class="card-head">
        <h2>Keys</h2>
        <div class="push">
          {session.mayChange && (
            <button type="button" class="button small" onClick={add}>
              <Icon name="add" /> Add a key
            </button>
          )}
        </div>
      </div>
      <ul class="padded-box stack tight">
        {keys.map(({ key }) => (
          <li key={key} class="bar">
            <code class="wrap">{key}</code>
            <CopyButton text={key} label={`Copy ${key}`} isSmall />
            {keys.length > 1 && (
              <Ask
                action="Remove"
                isSmall
                title="Remove this key?"
                run={() => api.call('DELETE', pathOf`/apps/${id}/keys/${key}`).then(again)}
                done="The key was removed."
              >
                Connections that came with <code class="wrap">{key}</code> are closed with 4001, and its signatures are
                no longer accepted.
              </Ask>
            )}
          </li>
        ))}
      </ul>
      {made && (
        <KeyDialog
          made={made}
          title="The key is there"
          onClose={() => {
            setMade(undefined);
            again();
          }}
        />
      )}
    </div>
  );
}

function Options({ app, again }: { app: WholeApp; again: () => void }): JSX.Element {
  const { api, session, messages } = useConsole();
  const [changes, setChanges] = useState<Readonly<Record<string, unknown>>>({});
  const [error, setError] = useState<unknown>(undefined);
  const [isBusy, setBusy] = useState(false);
  const change = (name: string, value: unknown): void => setChanges({ ...changes, [name]: value });
  const problems = error instanceof AdminApiError ? error.problems : [];
  const save = async (): Promise<void> => {
    setBusy(true);
    setError(undefined);
    try {
      const { warning } = await api.call<{ warning?: string }>('PATCH', pathOf`/apps/${app.id}`, changes);
      if (warning === undefined) messages.tell('Saved: the change has effect at once.');
      else messages.complain(new Error(warning));
      again();
    } catch (failure) {
      setError(failure);
    }
    setBusy(false);
  };
  const textOf = (value: unknown): string => (value === null || value === undefined ? '' : String(value));
  return (
    <form
      class="card"
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <div class="card-head">
        <h2>Options</h2>
        {!session.mayChange && <span class="muted">Your token may only read.</span>}
      </div>
      <fieldset class="padded-box stack" disabled={!session.mayChange}>
        <legend class="hidden-text">Options</legend>
        <div class="option-grid">
          <Field label="Name" problem={problems.find(({ path }) => path === '/name')?.message}>
            {(input) => (
              <input
                {...input}
                class="input"
                value={textOf('name' in changes ? changes.name : app.name)}
                onInput={({ currentTarget }) => change('name', currentTarget.value || null)}
              />
            )}
          </Field>
          <Field
            label="Allowed origins"
            hint="Pages that may connect, with commas between. Empty: any."
            problem={problems.find(({ path }) => path.startsWith('/allowedOrigins'))?.message}
          >
            {(input) => (
              <input
                {...input}
                class="input"
                spellcheck={false}
                value={[changes.allowedOrigins ?? app.allowedOrigins].flat().filter(Boolean).join(', ')}
                onChange={({ currentTarget }) =>
                  change('allowedOrigins', currentTarget.value.split(/[\s,]+/).filter(Boolean))
                }
              />
            )}
          </Field>
        </div>
        <div class="option-grid">
          {SWITCHES.map(({ name, label, hint }) => (
            <Check
              key={name}
              label={label}
              hint={hint}
              isChecked={Boolean(changes[name] ?? app[name])}
              onChange={(isOn) => change(name, isOn)}
            />
          ))}
        </div>
        <h3>Limits</h3>
        <div class="option-grid">
          {LIMITS.map(({ name, label, unit, mayBeUnlimited }) => (
            <Field
              key={name}
              label={unit === '' ? label : `${label}, ${unit}`}
              hint={mayBeUnlimited ? '-1: no limit' : undefined}
              problem={problems.find(({ path }) => path === `/${name}`)?.message}
            >
              {(input) => (
                <input
                  {...input}
                  class="input"
                  type="number"
                  step="any"
                  placeholder="As for all apps"
                  value={textOf(name in changes ? changes[name] : app[name])}
                  onInput={({ currentTarget: { value } }) => change(name, value === '' ? null : Number(value))}
                />
              )}
            </Field>
          ))}
        </div>
        {error !== undefined && <Note tone="bad">{messageOf(error)}</Note>}
      </fieldset>
      {session.mayChange && Object.keys(changes).length > 0 && (
        <div class="dialog-foot">
          <button type="button" class="button" onClick={() => setChanges({})}>
            Reset
          </button>
          <button type="submit" class="button primary" disabled={isBusy}>
            Save
          </button>
        </div>
      )}
    </form>
  );
}
