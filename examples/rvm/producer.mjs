/** Twelve simulated machines (seeded): they fill, are emptied, jam and lose their connection. */
import { seeded } from '../shared/model.mjs';
import { every, Publisher } from '../shared/publisher.mjs';
import { variablesOf } from '../shared/variables.mjs';

const STEP_MS = 700;
const FIGURES_MS = 2000;
const PLACES = [
  'Ubud',
  'Sanur',
  'Canggu',
  'Kuta',
  'Seminyak',
  'Denpasar',
  'Jimbaran',
  'Amed',
  'Lovina',
  'Gianyar',
  'Tabanan',
  'Nusa Dua',
];

const { APP_ID: appId, APP_KEY: key, APP_SECRET: secret } = variablesOf('APP_ID', 'APP_KEY', 'APP_SECRET');
const publisher = new Publisher({ appId, key, secret });
const random = seeded(7);

const machines = PLACES.map((place, index) => ({
  id: `RVM-${String(index + 1).padStart(2, '0')}`,
  place,
  status: 'online',
  fill: Math.round(random() * 60),
  bottles: 0,
}));

let bottles = 0;
let returned = 0;

function step(machine) {
  const chance = random();
  if (machine.status === 'offline' || machine.status === 'jammed') {
    if (chance < 0.3) machine.status = 'online';
  } else if (machine.status === 'full') {
    if (chance < 0.25) Object.assign(machine, { status: 'online', fill: 0 });
  } else if (chance < 0.03) {
    machine.status = 'offline';
  } else if (chance < 0.05) {
    machine.status = 'jammed';
  } else {
    const taken = Math.ceil(random() * 9);
    machine.bottles += taken;
    bottles += taken;
    returned += taken;
    machine.fill = Math.min(100, machine.fill + taken);
    if (machine.fill === 100) machine.status = 'full';
  }
}

let turn = 0;
// One after the other: whoever has just come knows all of them soon.
every(STEP_MS, async () => {
  const machine = machines[turn % machines.length];
  turn += 1;
  step(machine);
  await publisher.trigger('rvm-status', 'rvm.status.updated', { ...machine, sentAt: Date.now() });
});

every(FIGURES_MS, async () => {
  const count = (status) => machines.filter((machine) => machine.status === status).length;
  // What comes while this is under way is of the next time.
  const returnedSince = returned;
  returned = 0;
  await publisher.trigger('private-admin-dashboard', 'dashboard.data.updated', {
    bottles,
    returned: returnedSince,
    deposit: bottles * 200,
    machines: { online: count('online'), full: count('full'), jammed: count('jammed'), offline: count('offline') },
    all: machines,
    sentAt: Date.now(),
  });
});

process.stdout.write(`Simulated: ${machines.length} machines.\n`);
