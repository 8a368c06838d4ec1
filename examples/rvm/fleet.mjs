/** Twelve simulated machines: they fill, are emptied, jam and lose their connection. */

export const STATUSES = ['online', 'full', 'jammed', 'offline'];

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
const DEPOSIT_RUPIAH = 200;
/** Figures that a page can draw when it opens: three minutes. */
const KEPT_FIGURES = 90;
/** What somebody has set stays so for this long. */
const HELD_MS = 60_000;

export class Fleet {
  #random;
  #heldUntil = new Map();
  #turn = 0;
  #bottles = 0;
  #returned = 0;
  #history = [];

  /** @param {() => number} random - from 0 up to 1 */
  constructor(random) {
    this.#random = random;
    this.machines = PLACES.map((place, index) => ({
      id: `RVM-${String(index + 1).padStart(2, '0')}`,
      place,
      status: 'online',
      fill: Math.round(random() * 60),
      bottles: 0,
      changedAt: Date.now(),
    }));
  }

  /** Lets one machine work, one after the other. */
  step() {
    const machine = this.machines[this.#turn % this.machines.length];
    this.#turn += 1;
    if (Date.now() >= (this.#heldUntil.get(machine.id) ?? 0)) this.#work(machine);
    machine.changedAt = Date.now();
    return machine;
  }

  #work(machine) {
    const chance = this.#random();
    if (machine.status === 'offline' || machine.status === 'jammed') {
      if (chance < 0.3) machine.status = 'online';
    } else if (machine.status === 'full') {
      if (chance < 0.25) Object.assign(machine, { status: 'online', fill: 0 });
    } else if (chance < 0.03) {
      machine.status = 'offline';
    } else if (chance < 0.05) {
      machine.status = 'jammed';
    } else {
      const taken = Math.ceil(this.#random() * 9);
      machine.bottles += taken;
      this.#bottles += taken;
      this.#returned += taken;
      machine.fill = Math.min(100, machine.fill + taken);
      if (machine.fill === 100) machine.status = 'full';
    }
  }

  /** @returns the machine; undefined when there is none with this id */
  set(id, status) {
    const machine = this.machines.find((candidate) => candidate.id === id);
    if (!machine) return undefined;
    // Somebody who empties a machine sets it online.
    if (machine.status === 'full' && status === 'online') machine.fill = 0;
    Object.assign(machine, { status, changedAt: Date.now() });
    this.#heldUntil.set(id, Date.now() + HELD_MS);
    return machine;
  }

  /** The figures since the last time. */
  nextFigures() {
    const figures = { ...this.#figures(), returned: this.#returned };
    this.#returned = 0;
    this.#history.push([figures.sentAt, figures.returned]);
    if (this.#history.length > KEPT_FIGURES) this.#history.shift();
    return figures;
  }

  /** For a page that opens. */
  get dashboard() {
    return { figures: { ...this.#figures(), returned: this.#history.at(-1)?.[1] ?? 0 }, history: this.#history };
  }

  #figures() {
    const count = (status) => this.machines.filter((machine) => machine.status === status).length;
    return {
      bottles: this.#bottles,
      deposit: this.#bottles * DEPOSIT_RUPIAH,
      machines: Object.fromEntries(STATUSES.map((status) => [status, count(status)])),
      sentAt: Date.now(),
    };
  }
}
