import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { encodePlace } from '../data/address.ts';
import { AdminApiError, messageOf } from '../data/admin-api.ts';
import { useConsole } from '../data/context.ts';
import { formatCount } from '../data/format.ts';
import { nameOf, type ShownApp, STORED, useApps } from '../parts/app-picker.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { Field } from '../parts/field.tsx';
import { Icon } from '../parts/icon.tsx';
import { Empty, Failure, Note, Waiting } from '../parts/note.tsx';
import { TableBox } from '../parts/table-box.tsx';
import { KeyDialog, type MadeKey } from './key-dialog.tsx';
import { OneApp } from './one-app.tsx';

/** All apps, or one of them. */
export function AppsView(): JSX.Element {
  const { address } = useConsole();
  const { app = '' } = address.place.value.params;
  return app === '' ? <AppList /> : <OneApp key={app} id={app} />;
}

function AppList(): JSX.Element {
  const { session, address } = useConsole();
  const { data, error, again } = useApps();
  const [isMaking, setMaking] = useState(false);
  const [made, setMade] = useState<MadeKey | undefined>(undefined);
  const mayMake = session.mayChange && session.seesAllApps;
  const newApp = mayMake && (
    <button type="button" class="button primary" onClick={() => setMaking(true)}>
      <Icon name="add" /> New app
    </button>
  );
  return (
    <div class="view">
      <div class="view-head">
        <h1>Apps</h1>
        <div class="push">{data && data.apps.length > 0 && newApp}</div>
        <p class="about">Each app has its own keys, channels and limits; nothing passes from one to another.</p>
      </div>
      {error !== undefined && <Failure error={error} again={again} />}
      {!data && error === undefined && <Waiting />}
      {data && (
        <div class="card">
          {data.apps.length === 0 ? (
            <Empty icon="apps" title="There is no app yet">
              <p>
                Clients connect to an app, with its key.
                {mayMake ? '' : ' Somebody who may change everything has to create one.'}
              </p>
              {newApp}
            </Empty>
          ) : (
            <AppTable apps={data.apps} />
          )}
          {data.more && (
            <div class="table-foot">
              There are more than {formatCount(data.apps.length)} apps. The admin API finds the others by id.
            </div>
          )}
        </div>
      )}
      {isMaking && (
        <NewApp
          onClose={() => setMaking(false)}
          onMade={(key) => {
            setMaking(false);
            setMade(key);
            again();
          }}
        />
      )}
      {made && (
        <KeyDialog
          made={made}
          title="The app is there"
          onClose={() => {
            setMade(undefined);
            address.go('apps', { app: made.id });
          }}
        />
      )}
    </div>
  );
}

function AppTable({ apps }: { apps: readonly ShownApp[] }): JSX.Element {
  return (
    <TableBox label="Apps">
      <table class="table">
        <thead>
          <tr>
            <th scope="col">App</th>
            <th scope="col">State</th>
            <th scope="col">Key</th>
            <th scope="col" class="wide-only">
              Kept in
            </th>
          </tr>
        </thead>
        <tbody>
          {apps.map((app) => (
            <tr key={app.id}>
              <td>
                <a href={encodePlace({ view: 'apps', params: { app: app.id } })}>{nameOf(app)}</a>
              </td>
              <td>
                <span class={`tag ${app.enabled ? 'good' : 'warn'}`}>{app.enabled ? 'Enabled' : 'Disabled'}</span>
              </td>
              <td class="mono wrap">
                {app.keys[0]?.key}
                {app.keys.length > 1 && <span class="muted"> and {app.keys.length - 1} more</span>}
              </td>
              <td class="muted wide-only">{STORED[app.stored]}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableBox>
  );
}

interface NewAppProps {
  readonly onClose: () => void;
  readonly onMade: (made: MadeKey) => void;
}

interface MadeApp {
  readonly id: string;
  readonly keys: readonly { readonly key: string; readonly secret: string }[];
}

function NewApp({ onClose, onMade }: NewAppProps): JSX.Element {
  const { api } = useConsole();
  const [name, setName] = useState('');
  const [id, setId] = useState('');
  const [error, setError] = useState<unknown>(undefined);
  const [isBusy, setBusy] = useState(false);
  const create = async (): Promise<void> => {
    setBusy(true);
    try {
      const app = await api.call<MadeApp>('POST', '/apps', { ...(name && { name }), ...(id && { id }) });
      const [pair] = app.keys;
      if (pair) onMade({ id: app.id, ...pair });
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  const problems = error instanceof AdminApiError ? error.problems : [];
  return (
    <Dialog title="New app" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void create();
        }}
      >
        <div class="dialog-body">
          <Field
            label="Name"
            hint="For people. May be left out."
            problem={problems.find(({ path }) => path === '/name')?.message}
          >
            {(input) => (
              <input
                {...input}
                class="input"
                value={name}
                onInput={({ currentTarget }) => setName(currentTarget.value)}
              />
            )}
          </Field>
          <Field
            label="Id"
            hint="Stands in the URLs of the HTTP API. Left out: a random one."
            problem={problems.find(({ path }) => path === '/id')?.message}
          >
            {(input) => (
              <input
                {...input}
                class="input mono"
                spellcheck={false}
                autocomplete="off"
                value={id}
                onInput={({ currentTarget }) => setId(currentTarget.value.trim())}
              />
            )}
          </Field>
          {error !== undefined && <Note tone="bad">{messageOf(error)}</Note>}
        </div>
        <div class="dialog-foot">
          <button type="button" class="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="button primary" disabled={isBusy}>
            Create
          </button>
        </div>
      </form>
    </Dialog>
  );
}
