/** The element with an id, which the page has. */
export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no element #${id}`);
  return element as T;
}

/** A new element with some text. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  text = '',
  className = '',
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  made.textContent = text;
  if (className !== '') made.className = className;
  return made;
}

/** Writes a text where it is different, and lets the place light up for a moment. */
export function setText(place: HTMLElement, text: string): void {
  if (place.textContent === text) return;
  place.textContent = text;
  place.classList.remove('changed');
  // Reading a measure makes the browser forget the animation that was.
  void place.offsetWidth;
  place.classList.add('changed');
}

export function timeOf(milliseconds: number): string {
  return new Date(milliseconds).toLocaleTimeString(undefined, { hour12: false });
}

/** Hours and minutes: 07:04. */
export function minuteOf(milliseconds: number): string {
  return new Date(milliseconds).toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit', hour12: false });
}

/** A message in the corner that goes by itself. */
export function toast(text: string, tone: 'good' | 'warn' | 'bad' = 'good'): void {
  const corner = document.querySelector('.toasts') ?? document.body.appendChild(element('div', '', 'toasts'));
  corner.setAttribute('role', 'status');
  const shown = element('div', text, 'notice');
  shown.dataset.tone = tone;
  corner.append(shown);
  setTimeout(() => shown.remove(), 6000);
}
