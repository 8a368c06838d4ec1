import { signal } from '@preact/signals';

/** What the page shows, as in its address: `#/channels?app=shop&prefix=private-`. */
export interface Place {
  readonly view: string;
  readonly params: Readonly<Record<string, string>>;
}

export function parsePlace(hash: string): Place {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?');
  return { view: path, params: Object.fromEntries(new URLSearchParams(query)) };
}

/** An empty parameter is left out. */
export function encodePlace({ view, params }: Place): string {
  const given = Object.entries(params).filter(([, value]) => value !== '');
  const query = new URLSearchParams(given);
  return `#/${view}${given.length > 0 ? `?${query}` : ''}`;
}

/** The address of this page as a signal: views read it, and links, the back button and bookmarks change it. */
export class PageAddress {
  readonly place = signal<Place>(parsePlace(location.hash));
  /** How often somebody went to another place, by a link, a button or back. */
  readonly steps = signal(0);

  constructor() {
    addEventListener('hashchange', () => {
      this.place.value = parsePlace(location.hash);
      this.steps.value += 1;
    });
  }

  /** A step that the back button takes back. */
  go(view: string, params: Readonly<Record<string, string>> = {}): void {
    location.hash = encodePlace({ view, params });
  }

  /** Changes what the view shows, without a step of its own: a letter typed into a filter. */
  adjust(changes: Readonly<Record<string, string>>): void {
    const { view, params } = this.place.value;
    this.replace(view, { ...params, ...changes });
  }

  /** Goes elsewhere without a step: the focus stays where it is. */
  replace(view: string, params: Readonly<Record<string, string>>): void {
    const next = { view, params };
    history.replaceState(null, '', encodePlace(next));
    this.place.value = next;
  }
}
