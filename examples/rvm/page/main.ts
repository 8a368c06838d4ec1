import '../../shared/page/look.css';
import Echo from 'laravel-echo';
import Pusher from 'pusher-js';
import { showConnectTime, UNAVAILABLE_AFTER_MS, watchConnection } from '../../shared/page/connection.ts';
import { byId, element, setText, toast } from '../../shared/page/dom.ts';
import { LivePlot } from '../../shared/page/plot.ts';

interface Machine {
  readonly id: string;
  readonly place: string;
  readonly status: keyof typeof STATUS;
  readonly fill: number;
  readonly bottles: number;
}

interface Figures {
  readonly bottles: number;
  readonly returned: number;
  readonly deposit: number;
  readonly machines: Readonly<Record<Machine['status'], number>>;
  readonly all: readonly Machine[];
  readonly sentAt: number;
}

interface Member {
  /** Of the login: two people may have the same name. */
  readonly id: string;
  readonly name: string;
  readonly role: string;
}

interface Login {
  readonly token: string;
  readonly id: string;
}

interface Refusal {
  readonly status: number;
}

const STATUS = {
  online: { text: 'Online', tone: 'good' },
  full: { text: 'Full', tone: 'warn' },
  jammed: { text: 'Jammed', tone: 'bad' },
  offline: { text: 'Offline', tone: 'bad' },
} as const;
const RUPIAH = new Intl.NumberFormat('id-ID', { style: 'currency', currency: 'IDR', maximumFractionDigits: 0 });

const rows = new Map<string, { row: HTMLTableRowElement; cells: Record<'status' | 'fill' | 'bottles', HTMLElement> }>();
const known = new Map<string, Machine>();
const plot = new LivePlot(byId('returned'), [{ label: 'Bottles', color: '--accent' }], {
  capacity: 90,
  range: 'from zero',
});
let echo = connect(undefined);

function connect(token: string | undefined): Echo<'pusher'> {
  const beganAt = performance.now();
  const broker = `${location.hostname}:${import.meta.env.BROKER_PORT}`;
  const connected = new Echo<'pusher'>({
    broadcaster: 'pusher',
    Pusher,
    key: 'rvm-key',
    cluster: '',
    wsHost: location.hostname,
    wsPort: Number(import.meta.env.BROKER_PORT),
    forceTLS: false,
    enabledTransports: ['ws'],
    unavailableTimeout: UNAVAILABLE_AFTER_MS,
    // The broker itself says who may enter: no route of an application is needed.
    authEndpoint: `http://${broker}/broadcasting/auth`,
    bearerToken: token ?? null,
  });
  const { pusher } = connected.connector;
  watchConnection(pusher, byId('state'), byId('notice'));
  showConnectTime(pusher, byId('connect-ms'), beganAt);
  connected.channel('rvm-status').listen('.rvm.status.updated', (machine: Machine & { sentAt: number }) => {
    byId('event-ms').textContent = String(Math.max(0, Date.now() - machine.sentAt));
    showMachine(machine);
  });
  return connected;
}

function showMachine(machine: Machine): void {
  const { row, cells } = rows.get(machine.id) ?? addRow(machine);
  const { text, tone } = STATUS[machine.status];
  row.dataset.status = machine.status;
  cells.status.dataset.tone = tone;
  setText(cells.status, text);
  setText(cells.fill, `${machine.fill} %`);
  setText(cells.bottles, machine.bottles.toLocaleString());
  const before = known.get(machine.id)?.status;
  known.set(machine.id, machine);
  if (before !== undefined && before !== machine.status) {
    toast(`${machine.id} ${machine.place}: ${text.toLowerCase()}`, tone);
  }
}

function addRow({ id, place }: Machine) {
  byId('waiting').hidden = true;
  const row = element('tr');
  row.dataset.machine = id;
  const cells = {
    status: element('span', '', 'tone'),
    fill: element('td', '', 'number'),
    bottles: element('td', '', 'number'),
  };
  const status = element('td');
  status.append(cells.status);
  row.append(element('td', id), element('td', place), status, cells.fill, cells.bottles);
  const next = [...rows.keys()].filter((other) => other > id).sort()[0];
  byId('machines').insertBefore(row, next === undefined ? null : (rows.get(next)?.row ?? null));
  const added = { row, cells };
  rows.set(id, added);
  return added;
}

function showFigures({ bottles, returned, deposit, machines, all, sentAt }: Figures): void {
  setText(byId('bottles'), bottles.toLocaleString());
  setText(byId('deposit'), RUPIAH.format(deposit));
  setText(byId('online'), `${machines.online}`);
  setText(byId('trouble'), `${machines.full + machines.jammed + machines.offline}`);
  plot.add(sentAt, returned);
  for (const machine of all) showMachine(machine);
}

function showRefusal(role: string, { status }: Refusal): void {
  byId('dashboard').hidden = true;
  byId('refused').hidden = false;
  byId('refusal').textContent =
    status === 403
      ? `The figures are for operators, technicians and administrators. You are logged in as ${role}: ask an administrator for another role.`
      : 'The figures can not be shown just now. Log out, and in again.';
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
    const answer = await fetch(`http://${location.hostname}:${import.meta.env.LOGIN_PORT}/login`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ name, role }),
    });
    const { error, ...login } = (await answer.json()) as Partial<Login> & { error?: string };
    if (login.token === undefined || login.id === undefined) toast(error ?? 'The login failed.', 'bad');
    else logIn({ id: login.id, name, role }, login.token);
  } catch {
    toast('The login does not answer: is it running?', 'bad');
  }
});

function logIn(own: Member, token: string): void {
  echo.disconnect();
  echo = connect(token);
  byId('login').hidden = true;
  byId('ended').hidden = true;
  byId('account').hidden = false;
  byId('who').textContent = `${own.name}, ${own.role}`;
  const dashboard = echo.private('admin-dashboard');
  dashboard.listen('.dashboard.data.updated', showFigures);
  dashboard.subscribed(() => {
    byId('dashboard').hidden = false;
    byId('refused').hidden = true;
  });
  const members = new Map<string, Member>();
  const note = (change: () => void): void => {
    change();
    showMembers([...members.values()], own.id);
  };
  const watching = echo.join('watching');
  watching
    .here((here: Member[]) =>
      note(() => {
        members.clear();
        for (const member of here) members.set(member.id, member);
      }),
    )
    .joining((member: Member) => note(() => members.set(member.id, member)))
    .leaving((member: Member) => note(() => members.delete(member.id)));
  const session = echo;
  for (const channel of [dashboard, watching]) {
    channel.error((refusal: Refusal) => {
      // With the token both channels end, one after the other: the first one says it.
      if (session !== echo) return;
      if (refusal.status === 401) endLogin();
      else if (channel === dashboard) showRefusal(own.role, refusal);
    });
  }
}

function logOut(): void {
  echo.disconnect();
  echo = connect(undefined);
  for (const id of ['account', 'dashboard', 'refused', 'watching']) byId(id).hidden = true;
  byId('login').hidden = false;
}

/** The broker takes the page out of all that its token has opened. */
function endLogin(): void {
  logOut();
  byId('ended').hidden = false;
}

byId<HTMLFormElement>('account').addEventListener('submit', (event) => {
  event.preventDefault();
  logOut();
});
