/** Takes the place of the Laravel application (examples/laravel): the same routes, channels and events, with simulated machines. */
import { createServer } from 'node:http';
import { json, text } from 'node:stream/consumers';
import { seeded } from '../shared/model.mjs';
import { every, Publisher } from '../shared/publisher.mjs';
import { variablesOf } from '../shared/variables.mjs';
import { Fleet, STATUSES } from './fleet.mjs';
import { Login } from './login.mjs';

const STEP_MS = 700;
const FIGURES_MS = 2000;
/** Those whom kulkul.json lets into private-admin-dashboard. */
const STAFF = ['super-admin', 'admin', 'operator', 'technician'];

const { APPLICATION_PORT, BROKER_HOST, BROKER_PORT, REVERB_APP_ID, REVERB_APP_KEY, REVERB_APP_SECRET, ...given } =
  variablesOf(
    ...['APPLICATION_PORT', 'BROKER_HOST', 'BROKER_PORT', 'REVERB_APP_ID', 'REVERB_APP_KEY', 'REVERB_APP_SECRET'],
    ...['TOKEN_SECRET', 'VITE_CSRF_TOKEN'],
  );
const login = new Login(given.TOKEN_SECRET, Number(process.env.TOKEN_SECONDS ?? 600));
const publisher = new Publisher({ appId: REVERB_APP_ID, key: REVERB_APP_KEY, secret: REVERB_APP_SECRET });
const fleet = new Fleet(seeded(7));

/** The row, and the snapshot for those who come later. */
function publishMachine(machine, socketId) {
  return publisher.triggerBatch([
    {
      channel: 'rvm-status',
      name: 'rvm.status.updated',
      data: machine,
      ...(socketId && { socket_id: socketId }),
    },
    { channel: 'cache-rvm-status', name: 'rvm.snapshot', data: { machines: fleet.machines } },
  ]);
}

function publishFigures() {
  return publisher.triggerBatch([
    { channel: 'private-admin-dashboard', name: 'dashboard.data.updated', data: fleet.nextFigures() },
    { channel: 'private-cache-admin-dashboard', name: 'dashboard.snapshot', data: fleet.dashboard },
  ]);
}

const ROUTES = [
  ['POST', /^\/api\/login$/, async (request) => login.answer(await bodyOf(request))],
  ['GET', /^\/api\/rvm\/snapshot$/, snapshot],
  ['POST', /^\/api\/rvm\/machines\/([\w-]+)\/status$/, setStatus],
  ['POST', /^\/broadcasting\/auth$/, authorize],
];

function snapshot({ headers: { authorization } }) {
  const role = login.roleOf(authorization);
  // A guest has no token; one that has ended is told.
  if (authorization !== undefined && role === undefined) return refusal(401, 'Your login has ended: log in again.');
  const body = { machines: fleet.machines, ...(STAFF.includes(role) && { dashboard: fleet.dashboard }) };
  return { status: 200, body };
}

async function setStatus(request, id) {
  const { authorization, 'x-socket-id': socketId = '' } = request.headers;
  const role = login.roleOf(authorization);
  if (role === undefined) return refusal(401, "Log in to set a machine's status.");
  if (!STAFF.includes(role)) {
    const allowed = 'operators, technicians and administrators';
    return refusal(403, `Only ${allowed} set a machine's status: you are logged in as ${role}.`);
  }
  const { status } = await bodyOf(request);
  if (!STATUSES.includes(status)) return refusal(422, `A status is one of ${STATUSES.join(', ')}.`);
  const machine = fleet.set(id, status);
  if (!machine) return refusal(404, `There is no machine ${id}.`);
  await publishMachine(machine, /^\d+\.\d+$/.test(socketId) ? socketId : undefined);
  return { status: 200, body: { machine } };
}

/** Laravel would sign; here the broker decides, by the token: kulkul.json says who may enter what. */
async function authorize(request) {
  const { authorization, 'content-type': contentType, 'x-csrf-token': csrf } = request.headers;
  if (csrf !== given.VITE_CSRF_TOKEN) return refusal(419, 'This page is of an earlier start: load it again.');
  const headers = { ...(authorization && { authorization }), 'content-type': contentType ?? '' };
  const broker = `http://${BROKER_HOST}:${BROKER_PORT}/broadcasting/auth`;
  const answer = await fetch(broker, { method: 'POST', headers, body: await text(request) }).catch(() => undefined);
  if (!answer) return refusal(503, 'The broker does not answer.');
  return { status: answer.status, body: await answer.json().catch(() => ({})) };
}

async function bodyOf(request) {
  const body = await json(request).catch(() => ({}));
  return typeof body === 'object' && body !== null ? body : {};
}

function refusal(status, message) {
  return { status, body: { message } };
}

const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, 'http://localhost');
  const send = ({ status, body }) =>
    response
      .writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' })
      .end(JSON.stringify(body));
  for (const [method, path, answer] of ROUTES) {
    const match = request.method === method && path.exec(pathname);
    if (match) return send(await answer(request, match[1]));
  }
  return send(refusal(404, `There is no ${request.method} ${pathname}.`));
});
server.listen(Number(APPLICATION_PORT), '127.0.0.1');

every(STEP_MS, () => publishMachine(fleet.step()));
every(FIGURES_MS, publishFigures);
process.stdout.write(`Application with ${fleet.machines.length} simulated machines on port ${APPLICATION_PORT}.\n`);
