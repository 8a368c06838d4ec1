import { seeded, Wandering } from '../shared/model.mjs';

const GIGABYTE = 1e9;

/** A server that this machine only plays: the same name has the same figures each time. */
export class SimulatedServer {
  #random;
  #cpu;
  #memory;
  #disk;
  #received;
  #cores;
  #startedAt = Date.now();

  constructor(name) {
    this.#random = seeded([...name].reduce((seed, letter) => seed * 31 + letter.charCodeAt(0), 7));
    const wandering = (least, most, spread) =>
      new Wandering(this.#random, { mean: least + this.#random() * (most - least), spread });
    this.#cpu = wandering(20, 55, 20);
    this.#memory = wandering(45, 65, 8);
    this.#disk = wandering(30, 70, 1);
    this.#received = wandering(50_000, 400_000, 40_000);
    this.#cores = 4 * (1 + Math.floor(this.#random() * 4));
  }

  async read() {
    const cpu = within(this.#cpu.next());
    const received = Math.max(0, Math.round(this.#received.next()));
    return {
      cpu: { percent: cpu, cores: this.#cores },
      memory: share(within(this.#memory.next()), 32 * GIGABYTE),
      disk: share(within(this.#disk.next()), 500 * GIGABYTE),
      network: { receivedPerSecond: received, sentPerSecond: Math.round(received * 0.4) },
      load: [1, 0.9, 0.8].map((part) => round((cpu / 100) * this.#cores * part)),
      uptimeSeconds: Math.round((Date.now() - this.#startedAt) / 1000),
      unreadable: [],
    };
  }
}

function share(percent, total) {
  return { percent, used: Math.round((total * percent) / 100), total };
}

function within(percent) {
  return round(Math.min(100, Math.max(0, percent)));
}

function round(number) {
  return Math.round(number * 10) / 10;
}
