import type { ComponentChildren, JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { useConsole } from '../data/context.ts';
import { type Answer, useAnswer } from '../data/use-answer.ts';
import { Empty, Failure, Waiting } from './note.tsx';

/** An app as `GET /apps` shows it, as far as this page needs it. */
export interface ShownApp {
  readonly id: string;
  readonly name?: string;
  readonly enabled: boolean;
  readonly keys: readonly { readonly key: string }[];
  readonly stored: 'file' | 'memory' | 'database';
}

export const STORED: Readonly<Record<ShownApp['stored'], string>> = {
  file: 'Configuration file',
  memory: 'Memory: until the broker restarts',
  database: 'Database',
};

interface AppList {
  readonly apps: readonly ShownApp[];
  readonly more: boolean;
}

export function useApps(): Answer<AppList> {
  return useAnswer<AppList>('/apps', 15);
}

export function nameOf({ id, name }: ShownApp): string {
  return name === undefined || name === '' || name === id ? id : `${name} (${id})`;
}

interface AppSelectProps {
  readonly apps: readonly ShownApp[];
  /** Id; '' for all, where that may be chosen. */
  readonly value: string;
  readonly mayBeAll?: boolean;
  readonly onChange: (id: string) => void;
}

export function AppSelect({ apps, value, mayBeAll = false, onChange }: AppSelectProps): JSX.Element {
  return (
    <select class="input" aria-label="App" value={value} onChange={(event) => onChange(event.currentTarget.value)}>
      {mayBeAll && <option value="">All apps</option>}
      {value !== '' && !apps.some(({ id }) => id === value) && <option value={value}>{value}</option>}
      {apps.map((app) => (
        <option key={app.id} value={app.id}>
          {nameOf(app)}
        </option>
      ))}
    </select>
  );
}

interface OfAppProps {
  readonly title: string;
  readonly about: string;
  /** Of the app's id. */
  readonly children: (app: string) => ComponentChildren;
}

/** A view that is about one app: the one of the address, else the first. */
export function OfApp({ title, about, children }: OfAppProps): JSX.Element {
  const { address } = useConsole();
  const { data, error, again } = useApps();
  const [first] = data?.apps ?? [];
  const app = address.place.value.params.app ?? '';
  useEffect(() => {
    if (app === '' && first) address.adjust({ app: first.id });
  }, [app, first, address]);
  return (
    <div class="view">
      <div class="view-head">
        <h1>{title}</h1>
        {data && data.apps.length > 0 && (
          <div class="push">
            <AppSelect
              apps={data.apps}
              value={app}
              onChange={(id) => address.replace(address.place.value.view, { app: id })}
            />
          </div>
        )}
        <p class="about">{about}</p>
      </div>
      {error !== undefined && <Failure error={error} again={again} />}
      {!data && error === undefined && <Waiting />}
      {data && data.apps.length === 0 && (
        <Empty icon="apps" title="There is no app yet">
          <p>Clients connect to an app, with its key. Create one first.</p>
          <a class="button" href="#/apps">
            Go to apps
          </a>
        </Empty>
      )}
      {data && app !== '' && children(app)}
    </div>
  );
}
