/*
 * While a page is cut off, its figures are dimmed and it says since when they are true ("since 07:04"), beside the pill of its state.
 * Pages with pusher-js get it from `watchConnection`. Others: `new Freshness(pill)`, then `news()` with each message and `show(state)` with each state.
 * look.css dims `.figure`, table bodies, plots, and whatever has the attribute `data-live`.
 */
import type { ConnectionState } from './connection.ts';
import { element, minuteOf } from './dom.ts';

/** Says how old the figures of a page, or of a part of it, are. */
export class Freshness {
  readonly #part: HTMLElement;
  readonly #note: HTMLElement;
  readonly #timeText: (milliseconds: number) => string;
  #newsAtMs: number | undefined;

  /**
   * @param pill - of the state; the note stands behind it
   * @param part - what is dimmed; the whole page unless it is given
   * @param timeText - of milliseconds since 1970; the reader's own hours and minutes unless it is given
   */
  constructor(pill: HTMLElement, part: HTMLElement = document.body, timeText = minuteOf) {
    this.#part = part;
    this.#timeText = timeText;
    // A page that logs in has one connection after the other, with the same pill.
    const known = pill.parentElement?.querySelector<HTMLElement>(':scope > .since');
    this.#note = known ?? element('span', '', 'since');
    pill.after(this.#note);
  }

  /** Something came that the page shows. */
  news(atMs = Date.now()): void {
    this.#newsAtMs = atMs;
  }

  show(state: ConnectionState | 'off'): void {
    const isStale = state !== 'connected' && this.#newsAtMs !== undefined;
    this.#part.toggleAttribute('data-stale', isStale);
    this.#note.textContent = isStale ? `since ${this.#timeText(this.#newsAtMs ?? 0)}` : '';
  }
}
