import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ConsoleSession } from '../server/console/contract.ts';
import { encodePlace } from './data/address.ts';
import { messageOf } from './data/admin-api.ts';
import { useConsole } from './data/context.ts';
import type { StreamState } from './data/live-stream.ts';
import type { ThemeName } from './data/theme.ts';
import picture from './kulkul.svg';
import { Icon, type IconName } from './parts/icon.tsx';
import { MessageList } from './parts/messages.tsx';
import { Empty, Note } from './parts/note.tsx';
import { AppsView } from './views/apps.tsx';
import { ChannelsView } from './views/channels.tsx';
import { CreateEventView } from './views/create-event.tsx';
import { LiveLogView } from './views/live-log.tsx';
import { OverviewView } from './views/overview.tsx';
import { SignIn } from './views/sign-in.tsx';
import { SocketsView } from './views/sockets.tsx';
import { WebhooksView } from './views/webhooks.tsx';

interface View {
  readonly id: string;
  readonly title: string;
  readonly icon: IconName;
  /** About one app, which stays the same from one view to the next. */
  readonly isOfApp: boolean;
  /** Of no use to who may only read. */
  readonly isForChanges?: boolean;
  readonly show: () => JSX.Element;
}

const VIEWS: readonly View[] = [
  { id: 'overview', title: 'Overview', icon: 'overview', isOfApp: false, show: () => <OverviewView /> },
  { id: 'log', title: 'Live log', icon: 'log', isOfApp: false, show: () => <LiveLogView /> },
  { id: 'channels', title: 'Channels', icon: 'channels', isOfApp: true, show: () => <ChannelsView /> },
  { id: 'sockets', title: 'Sockets', icon: 'sockets', isOfApp: true, show: () => <SocketsView /> },
  {
    id: 'create',
    title: 'Send an event',
    icon: 'create',
    isOfApp: true,
    isForChanges: true,
    show: () => <CreateEventView />,
  },
  { id: 'webhooks', title: 'Webhooks', icon: 'webhooks', isOfApp: true, show: () => <WebhooksView /> },
  { id: 'apps', title: 'Apps', icon: 'apps', isOfApp: false, show: () => <AppsView /> },
];

const STREAM_STATES: Readonly<Record<StreamState, { tone: string; text: string }>> = {
  open: { tone: 'good', text: 'Live' },
  connecting: { tone: 'warn', text: 'Connecting …' },
  away: { tone: 'bad', text: 'Not connected' },
};

const THEMES: Readonly<Record<ThemeName, { icon: IconName; text: string }>> = {
  system: { icon: 'system', text: 'Colors: as the system' },
  light: { icon: 'light', text: 'Colors: light' },
  dark: { icon: 'dark', text: 'Colors: dark' },
};

/** The page: who one is, what there is to see, and the view of the address. */
export function Shell(): JSX.Element {
  const { session, messages, api } = useConsole();
  const state = session.state.value;
  if (state.is === 'unknown') return <p class="hidden-text">Loading …</p>;
  if (state.is === 'signed-out') return <SignIn note={state.note} />;
  if (state.is === 'unreachable') {
    return (
      <main class="sign-in">
        <Empty icon="warn" title="The console can't be shown">
          <p>{state.message}</p>
          <button type="button" class="button" onClick={() => void session.ask(api)}>
            Try again
          </button>
        </Empty>
      </main>
    );
  }
  return (
    <>
      <Frame session={state.session} />
      <MessageList messages={messages} />
    </>
  );
}

function Frame({ session }: { session: ConsoleSession }): JSX.Element {
  const { address, live } = useConsole();
  const { view: id, params } = address.place.value;
  const view = VIEWS.find((one) => one.id === id) ?? VIEWS[0];
  const [isOpen, setOpen] = useState(false);
  const main = useRef<HTMLElement>(null);
  const menu = useRef<HTMLButtonElement>(null);
  const steps = address.steps.value;

  useEffect(() => {
    document.title = view ? `${view.title} · Kulkul` : 'Kulkul';
  }, [view]);

  // What had the focus is gone.
  useEffect(() => {
    if (steps === 0) return;
    setOpen(false);
    main.current?.focus();
  }, [steps]);

  useEffect(() => {
    if (!isOpen) return;
    const closeMenu = ({ key }: KeyboardEvent): void => {
      if (key !== 'Escape') return;
      setOpen(false);
      menu.current?.focus();
    };
    addEventListener('keydown', closeMenu);
    return () => removeEventListener('keydown', closeMenu);
  }, [isOpen]);

  return (
    <div class="shell">
      {/* No link: the address is that of the view. */}
      <button type="button" class="button primary skip" onClick={() => main.current?.focus()}>
        Skip to content
      </button>
      <header class="top">
        <button
          ref={menu}
          type="button"
          class="button quiet square"
          aria-label="Menu"
          aria-expanded={isOpen}
          aria-controls="side"
          onClick={() => setOpen(!isOpen)}
        >
          <Icon name={isOpen ? 'close' : 'menu'} />
        </button>
        <Brand />
        <span class="push">
          <StreamTag />
        </span>
      </header>
      <nav id="side" class={`side ${isOpen ? 'open' : ''}`} aria-label="Console">
        <Brand />
        <div class="nav">
          {VIEWS.filter(({ isForChanges }) => !isForChanges || session.access === 'all').map(
            ({ id: to, title, icon, isOfApp }) => (
              <a
                key={to}
                href={encodePlace({ view: to, params: isOfApp && params.app ? { app: params.app } : {} })}
                aria-current={to === view?.id ? 'page' : undefined}
                onClick={() => setOpen(false)}
              >
                <Icon name={icon} />
                {title}
              </a>
            ),
          )}
        </div>
        <Foot session={session} />
      </nav>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <main ref={main} id="main" class="main" tabIndex={0}>
        {live.state.value === 'away' && (
          <div class="lost">
            <Note
              tone="warn"
              action={
                <button type="button" class="button small" onClick={() => live.retryNow()}>
                  Try now
                </button>
              }
            >
              The broker does not answer. What you see may be old; the page connects again by itself.
            </Note>
          </div>
        )}
        {view?.show()}
      </main>
    </div>
  );
}

function Brand(): JSX.Element {
  return (
    <div class="brand">
      <img src={picture} alt="" />
      Kulkul
    </div>
  );
}

function StreamTag(): JSX.Element {
  const { live } = useConsole();
  const { tone, text } = STREAM_STATES[live.state.value];
  return (
    <span class="state" role="status">
      <span class={`dot ${tone}`} />
      {text}
    </span>
  );
}

function Foot({ session: { name, access, apps, expires } }: { session: ConsoleSession }): JSX.Element {
  const { session, api, theme, messages } = useConsole();
  const { icon, text } = THEMES[theme.name.value];
  const signOut = (): void => {
    session.signOut(api).catch((error: unknown) => messages.complain(messageOf(error)));
  };
  const scope = apps === null ? 'all apps' : apps.join(', ');
  return (
    <div class="side-foot">
      <div class="line">
        <StreamTag />
        <button
          type="button"
          class="button quiet small square"
          aria-label={text}
          title={text}
          onClick={() => theme.turn()}
        >
          <Icon name={icon} />
        </button>
      </div>
      <div class="line">
        <span>
          <strong class="wrap">{name}</strong>
          <br />
          <span class="muted wrap">
            {access === 'read' ? 'Read only' : 'May change'} · {scope}
          </span>
        </span>
        {expires !== null && (
          <button
            type="button"
            class="button quiet small square"
            aria-label="Sign out"
            title="Sign out"
            onClick={signOut}
          >
            <Icon name="leave" />
          </button>
        )}
      </div>
    </div>
  );
}
