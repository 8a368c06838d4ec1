import '../../shared/page/look.css';
import { connectEcho } from '../../laravel/resources/js/echo.js';
import { fetchSnapshot, pollWhileAway, RefusedError, setStatus } from '../../laravel/resources/js/rvm-api.js';
import {
  type Dashboard,
  type Figures,
  type Machine,
  type Status,
  setUpListeners,
} from '../../laravel/resources/js/rvm-listeners.js';
import { showConnectTime, watchConnection } from '../../shared/page/connection.ts';
import { byId, element, setText, timeOf, toast } from '../../shared/page/dom.ts';
import { LivePlot } from '../../shared/page/plot.ts';
import { type Login, type Member, requestLogin } from './login.ts';
import { MachineTable } from './machine-table.ts';

const RUPIAH = new Intl.NumberFormat('id-ID', { style: 'currency', currency: 'IDR', maximumFractionDigits: 0 });
/** Figures come every two seconds. */
const GAP_AFTER_MS = 5000;

const table = new MachineTable(setMachine);
const plot = new LivePlot(byId('returned'), [{ label: 'Bottles', color: '--accent' }], {
  capacity: 90,
  range: 'from zero',
  gapAfterMs: GAP_AFTER_MS,
});
let drawnUntilMs = 0;
let hasHistory = false;
/** Undefined: a guest. */
let login: Login | undefined;
let session = begin();

/** A connection with the rights of the login, for as long as that lasts. */
function begin() {
  const beganAt = performance.now();
  const own = login;
  const echo = connectEcho(own?.token);
  // For the console, and for all that looks for it there.
  window.Echo = echo;
  const { pusher } = echo.connector;
  watchConnection(pusher, byId('state'), byId('notice'));
  showConnectTime(pusher, byId('connect-ms'), beganAt);
  const ask = askForSnapshot(own);
  setUpListeners(
    echo,
    {
      machine(machine) {
        byId('event-ms').textContent = String(Math.max(0, Date.now() - machine.changedAt));
        table.show(machine);
      },
      machines: showMachines,
      figures: showFigures,
      dashboard: showDashboard,
      admitted() {
        hasHistory = false;
        showAccess(true);
      },
      // It may be of the session before.
      refused(status) {
        if (own === login) refuse(status);
      },
    },
    // Whether there is an answer or not: the broker will have one soon.
    { isGuest: own === undefined, missed: () => ask().catch(() => {}) },
  );
  if (own !== undefined) showWatching(echo, own);
  const endPolling = pollWhileAway(pusher, ask, showPolling);
  return {
    echo,
    end() {
      endPolling();
      echo.disconnect();
    },
  };
}

/** What is now, from the application itself; nothing for a login that has ended in the meantime. */
function askForSnapshot(asking: Login | undefined): () => Promise<void> {
  return async () => {
    try {
      const { machines, dashboard } = await fetchSnapshot(asking?.token);
      if (asking !== login) return;
      showMachines(machines);
      if (dashboard !== undefined) {
        showAccess(true);
        showDashboard(dashboard);
      }
    } catch (error) {
      if (asking === login && error instanceof RefusedError && error.status === 401) endLogin();
      else throw error;
    }
  };
}

function showPolling(polling: { sinceMs: number; isAnswered: boolean } | undefined): void {
  // What is asked for is not old.
  document.body.toggleAttribute('data-polled', polling?.isAnswered === true);
  byId('polling').textContent =
    polling === undefined
      ? ''
      : `No WebSocket since ${timeOf(polling.sinceMs)}: ` +
        (polling.isAnswered
          ? 'this page asks for the latest every 3 seconds instead.'
          : 'and the application does not answer either. Trying again every 3 seconds.');
}

function showMachines(machines: readonly Machine[]): void {
  for (const machine of machines) table.show(machine);
}

async function setMachine(id: string, status: Status): Promise<void> {
  try {
    const { machine } = await setStatus({ token: login?.token, socketId: session.echo.socketId() }, id, status);
    table.show(machine);
  } catch (error) {
    if (login !== undefined && error instanceof RefusedError && error.status === 401) endLogin();
    else toast(error instanceof RefusedError ? error.message : 'The application does not answer.', 'bad');
  }
}

function showFigures({ bottles, returned, deposit, machines, sentAt }: Figures): void {
  showTotals({ bottles, deposit, machines });
  // Until the history is there, which has these, too: points are added in their order.
  if (hasHistory) draw(sentAt, returned);
}

/** Of the history, what the plot does not have: all when the page opens, what it has missed after an outage. */
function showDashboard({ figures, history }: Dashboard): void {
  showTotals(figures);
  hasHistory = true;
  for (const [sentAt, returned] of history) draw(sentAt, returned);
}

function draw(sentAt: number, returned: number): void {
  if (sentAt <= drawnUntilMs) return;
  drawnUntilMs = sentAt;
  plot.add(sentAt, returned);
}

function showTotals({ bottles, deposit, machines }: Pick<Figures, 'bottles' | 'deposit' | 'machines'>): void {
  setText(byId('bottles'), bottles.toLocaleString());
  setText(byId('deposit'), RUPIAH.format(deposit));
  setText(byId('online'), `${machines.online}`);
  setText(byId('trouble'), `${machines.full + machines.jammed + machines.offline}`);
}

function showAccess(isAdmitted: boolean): void {
  byId('dashboard').hidden = !isAdmitted;
  byId('refused').hidden = isAdmitted;
}

function refuse(status: number): void {
  if (status === 401) {
    endLogin();
    return;
  }
  showAccess(false);
  byId('refusal').textContent =
    status === 403
      ? `The figures are for operators, technicians and administrators. You are logged in as ${login?.own.role}: ask an administrator for another role.`
      : 'The figures can not be shown just now. Log out, and in again.';
}

function showWatching(echo: ReturnType<typeof connectEcho>, watcher: Login): void {
  const members = new Map<string, Member>();
  const note = (change: () => void): void => {
    change();
    showMembers([...members.values()], watcher.own.id);
  };
  echo
    .join('watching')
    .here((here: Member[]) =>
      note(() => {
        members.clear();
        for (const member of here) members.set(member.id, member);
      }),
    )
    .joining((member: Member) => note(() => members.set(member.id, member)))
    .leaving((member: Member) => note(() => members.delete(member.id)))
    // Those who may not see the figures have no other channel that ends with their login.
    .error(({ status }: { readonly status: number }) => watcher === login && status === 401 && endLogin());
}

function showMembers(members: readonly Member[], ownId: string): void {
  byId('watching').hidden = false;
  byId('members').replaceChildren(
    ...members.map(({ id, name, role }) => {
      const pill = element('span', `${name}, ${role}${id === ownId ? ' (you)' : ''}`, 'pill');
      pill.dataset.tone = 'good';
      return pill;
    }),
  );
}

byId<HTMLFormElement>('login').addEventListener('submit', async (event) => {
  event.preventDefault();
  const name = byId<HTMLInputElement>('name').value.trim();
  const role = byId<HTMLSelectElement>('role').value;
  try {
    change(await requestLogin(name, role));
  } catch (error) {
    toast(error instanceof Error ? error.message : String(error), 'bad');
  }
});

byId<HTMLFormElement>('account').addEventListener('submit', (event) => {
  event.preventDefault();
  change(undefined);
});

/** Logs in, or out. */
function change(next: Login | undefined): void {
  session.end();
  login = next;
  for (const id of ['dashboard', 'refused', 'watching', 'ended']) byId(id).hidden = true;
  showPolling(undefined);
  byId('login').hidden = next !== undefined;
  byId('account').hidden = next === undefined;
  byId('who').textContent = next === undefined ? '' : `${next.own.name}, ${next.own.role}`;
  session = begin();
}

/** The broker takes the page out of all that its token has opened, one channel after the other: the first one says it. */
function endLogin(): void {
  if (login === undefined) return;
  change(undefined);
  byId('ended').hidden = false;
}
