import { byId, element, timeOf } from '../../shared/page/dom.ts';
import type { Limits } from './plant.ts';

export interface Alarm {
  readonly tag: string;
  readonly level: 'warning' | 'alarm';
  readonly side: 'low' | 'high';
  readonly limit: number;
  readonly value: number;
  readonly since: number;
  readonly endedAt: number | null;
  readonly acknowledged: { readonly by: string; readonly at: number } | null;
}

const TONES = { warning: 'warn', alarm: 'bad' } as const;
const SIDES = { low: 'below', high: 'above' } as const;

interface Row {
  readonly place: HTMLElement;
  readonly time: HTMLElement;
  readonly level: HTMLElement;
  readonly what: HTMLElement;
  readonly state: HTMLElement;
  readonly button: HTMLButtonElement;
}

/** The list of alarms. Rows stay where they are as long as they can, and with them the focus on a button. */
export class AlarmList {
  readonly #place = byId('alarms');
  readonly #rows = new Map<string, Row>();
  readonly #acknowledge: (tag: string) => Promise<void>;

  constructor(acknowledge: (tag: string) => Promise<void>) {
    this.#acknowledge = acknowledge;
  }

  show(alarms: readonly Alarm[], unitOf: (tag: string) => string): void {
    const waiting = alarms.filter(({ acknowledged }) => !acknowledged).length;
    byId('alarm-count').textContent = alarms.length === 0 ? 'none' : `${alarms.length}, ${waiting} not acknowledged`;
    for (const [tag, { place }] of this.#rows) {
      if (alarms.some((alarm) => alarm.tag === tag)) continue;
      place.remove();
      this.#rows.delete(tag);
    }
    for (const [index, alarm] of alarms.entries()) {
      const row = this.#rows.get(alarm.tag) ?? this.#create(alarm.tag);
      fill(row, alarm, unitOf(alarm.tag));
      const there = this.#place.children[index] ?? null;
      if (there !== row.place) this.#place.insertBefore(row.place, there);
    }
  }

  #create(tag: string): Row {
    const place = element('li');
    const row: Row = {
      place,
      time: element('time'),
      level: element('strong', '', 'tone'),
      what: element('span', '', 'what'),
      state: element('span', '', 'muted'),
      button: element('button', 'Acknowledge'),
    };
    place.dataset.alarm = tag;
    row.button.type = 'button';
    row.button.addEventListener('click', async () => {
      row.button.disabled = true;
      await this.#acknowledge(tag);
      row.button.disabled = false;
    });
    place.append(row.time, row.level, row.what, row.state, row.button);
    this.#rows.set(tag, row);
    return row;
  }
}

function fill({ place, time, level, what, state, button }: Row, alarm: Alarm, unit: string): void {
  const { tag, value, limit, side, since, endedAt, acknowledged } = alarm;
  place.dataset.tone = TONES[alarm.level];
  place.dataset.state = acknowledged ? 'acknowledged' : 'new';
  time.textContent = timeOf(since);
  level.textContent = alarm.level === 'alarm' ? 'Alarm' : 'Warning';
  what.textContent = `${tag} ${value.toFixed(2)} ${unit}, ${SIDES[side]} ${limit}`;
  const ended = endedAt === null ? `still ${side}` : `back since ${timeOf(endedAt)}`;
  state.textContent = acknowledged
    ? `${ended}, acknowledged by ${acknowledged.by} at ${timeOf(acknowledged.at)}`
    : ended;
  button.hidden = acknowledged !== null;
  button.setAttribute('aria-label', `Acknowledge ${tag}`);
}

/** What a card says below its value: the limits, or which one is exceeded. */
export function limitText(limits: Limits | undefined, alarm: Alarm | undefined): string {
  if (alarm && alarm.endedAt === null) return `${alarm.side}, limit ${alarm.limit}`;
  if (!limits) return '';
  const [low, high] = limits.warning;
  if (low === null) return high === null ? '' : `up to ${high}`;
  return high === null ? `from ${low}` : `${low} to ${high}`;
}

/** The tone of a card: undefined while its value is as it should be. */
export function toneOf(alarm: Alarm | undefined): string | undefined {
  return alarm && alarm.endedAt === null ? TONES[alarm.level] : undefined;
}
