import type { Machine, Status } from '../../laravel/resources/js/rvm-listeners.js';
import { byId, element, setText, toast } from '../../shared/page/dom.ts';

const STATUS: Readonly<Record<Status, { readonly text: string; readonly tone: 'good' | 'warn' | 'bad' }>> = {
  online: { text: 'Online', tone: 'good' },
  full: { text: 'Full', tone: 'warn' },
  jammed: { text: 'Jammed', tone: 'bad' },
  offline: { text: 'Offline', tone: 'bad' },
};

interface Row {
  readonly row: HTMLTableRowElement;
  readonly cells: Readonly<Record<'status' | 'fill' | 'bottles', HTMLElement>>;
  readonly buttons: ReadonlyMap<Status, HTMLButtonElement>;
}

/** The machines in the order of their names, each in a row that is changed in place. */
export class MachineTable {
  readonly #rows = new Map<string, Row>();
  readonly #known = new Map<string, Machine>();
  readonly #body = byId('machines');
  readonly #set: (id: string, status: Status) => Promise<void>;

  /** @param set - called when somebody presses a button */
  constructor(set: (id: string, status: Status) => Promise<void>) {
    this.#set = set;
  }

  /** A status that changes is told in the corner, too. */
  show(machine: Machine): void {
    const before = this.#known.get(machine.id);
    // A snapshot may come after a row that is newer.
    if (before !== undefined && before.changedAt > machine.changedAt) return;
    const { text, tone } = STATUS[machine.status];
    const { row, cells, buttons } = this.#rows.get(machine.id) ?? this.#add(machine);
    row.dataset.status = machine.status;
    cells.status.dataset.tone = tone;
    setText(cells.status, text);
    setText(cells.fill, `${machine.fill} %`);
    setText(cells.bottles, machine.bottles.toLocaleString());
    for (const [status, button] of buttons) button.ariaPressed = String(status === machine.status);
    this.#known.set(machine.id, machine);
    if (before !== undefined && before.status !== machine.status) {
      toast(`${machine.id} ${machine.place}: ${text.toLowerCase()}`, tone);
    }
  }

  #add({ id, place }: Machine): Row {
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
    const { cell, buttons } = this.#buttonsOf(id);
    row.append(element('td', id), element('td', place), status, cells.fill, cells.bottles, cell);
    const next = [...this.#rows.keys()].filter((other) => other > id).sort()[0];
    this.#body.insertBefore(row, next === undefined ? null : (this.#rows.get(next)?.row ?? null));
    const added = { row, cells, buttons };
    this.#rows.set(id, added);
    return added;
  }

  #buttonsOf(id: string): { cell: HTMLElement; buttons: Map<Status, HTMLButtonElement> } {
    const cell = element('td', '', 'set');
    const buttons = new Map<Status, HTMLButtonElement>();
    for (const status of Object.keys(STATUS) as Status[]) {
      const button = element('button', STATUS[status].text);
      button.type = 'button';
      button.dataset.set = status;
      button.setAttribute('aria-label', `Set ${id} to ${status}`);
      button.addEventListener('click', () => void this.#set(id, status));
      buttons.set(status, button);
      cell.append(button);
    }
    return { cell, buttons };
  }
}
