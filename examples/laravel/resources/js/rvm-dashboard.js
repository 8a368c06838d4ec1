// The page resources/views/admin/rvm-dashboard.blade.php. examples/rvm/page does more with the same listeners: chart, toasts, login.
import { connectEcho } from './echo.js';
import { fetchSnapshot, pollWhileAway, setStatus } from './rvm-api.js';
import { setUpListeners } from './rvm-listeners.js';

const STATUSES = /** @type {const} */ (['online', 'full', 'jammed', 'offline']);
const token = document.querySelector('meta[name="api-token"]')?.getAttribute('content') ?? undefined;
/** @type {Map<string, import('./rvm-listeners.js').Machine>} */
const known = new Map();

window.addEventListener('echo:state', (event) => {
  const { state, message } = /** @type {CustomEvent} */ (event).detail;
  tell('state', message === undefined ? state : `${state}: ${message}`);
});
const echo = connectEcho(token);
// Livewire's components look for it there.
window.Echo = echo;
setUpListeners(
  echo,
  {
    machine: showMachine,
    machines: showMachines,
    figures: showFigures,
    dashboard: ({ figures }) => showFigures(figures),
    admitted: () => tell('figures', ''),
    refused: (status) =>
      tell(
        'figures',
        status === 401 ? 'Your login has ended: load the page again.' : 'Your role does not see the figures.',
      ),
  },
  { isGuest: token === undefined, missed: () => poll().catch(() => {}) },
);
pollWhileAway(echo.connector.pusher, poll, (polling) =>
  tell('notice', polling && (polling.isAnswered ? 'No WebSocket: asking every 3 seconds.' : 'No connection.')),
);

async function poll() {
  const { machines, dashboard } = await fetchSnapshot(token);
  showMachines(machines);
  if (dashboard) showFigures(dashboard.figures);
}

/** @param {readonly import('./rvm-listeners.js').Machine[]} machines */
function showMachines(machines) {
  for (const machine of machines) showMachine(machine);
}

/** @param {import('./rvm-listeners.js').Machine} machine */
function showMachine(machine) {
  // A snapshot may come after a row that is newer.
  if ((known.get(machine.id)?.changedAt ?? 0) > machine.changedAt) return;
  known.set(machine.id, machine);
  const body = document.getElementById('machines');
  const row = document.getElementById(machine.id) ?? body?.appendChild(document.createElement('tr'));
  if (!row) return;
  row.id = machine.id;
  const texts = [machine.id, machine.place, machine.status, `${machine.fill} %`];
  if (row.children.length === 0) row.append(...texts.map(() => document.createElement('td')), buttonsOf(machine.id));
  for (const [index, text] of texts.entries()) {
    const cell = row.children[index];
    if (cell && cell.textContent !== text) cell.textContent = text;
  }
}

/** @param {string} id */
function buttonsOf(id) {
  const cell = document.createElement('td');
  for (const status of STATUSES) {
    const button = document.createElement('button');
    button.textContent = status;
    button.addEventListener('click', async () => {
      try {
        showMachine((await setStatus({ token, socketId: echo.socketId() }, id, status)).machine);
        tell('notice', '');
      } catch (error) {
        tell('notice', error instanceof Error ? error.message : String(error));
      }
    });
    cell.append(button);
  }
  return cell;
}

/** @param {import('./rvm-listeners.js').Figures} figures */
function showFigures({ bottles, deposit }) {
  tell('figures', `${bottles} bottles, Rp ${deposit.toLocaleString('id-ID')} deposit`);
}

/**
 * @param {string} id
 * @param {string | undefined} text
 */
function tell(id, text = '') {
  const place = document.getElementById(id);
  if (place) place.textContent = text;
}
