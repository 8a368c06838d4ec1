import type { JSX } from 'preact';

/** Outlines in a square of 16. */
const PATHS = {
  log: 'M2.5 4h11M2.5 8h7.5M2.5 12h9.5',
  overview: 'M2.5 13V9M6.2 13V4.5M9.8 13V7M13.5 13V3',
  channels: 'M6.2 2.5 4.8 13.5M11.2 2.5 9.8 13.5M2.5 5.8h11M2.5 10.2h11',
  sockets: 'M5 3.5v3M11 3.5v3M3.5 6.5h9v2a4.5 4.5 0 0 1-9 0zM8 13v1.5',
  create: 'M13.5 2.5 7.5 8.5M13.5 2.5 9.8 13.5 7.5 8.5 2.5 6.2z',
  webhooks: 'M6.5 9.5 9.5 6.5M7.2 4.6 8.6 3.2a3 3 0 0 1 4.2 4.2l-1.4 1.4M8.8 11.4l-1.4 1.4a3 3 0 0 1-4.2-4.2l1.4-1.4',
  apps: 'M2.5 2.5h4.5v4.5H2.5zM9 2.5h4.5v4.5H9zM2.5 9h4.5v4.5H2.5zM9 9h4.5v4.5H9z',
  search: 'M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM10.3 10.3l3.2 3.2',
  close: 'M4 4l8 8M12 4l-8 8',
  menu: 'M2.5 4.5h11M2.5 8h11M2.5 11.5h11',
  pause: 'M5.5 3.5v9M10.5 3.5v9',
  play: 'M5 3.2v9.6L12.5 8z',
  copy: 'M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3',
  done: 'M3 8.5l3.2 3.2L13 4.8',
  warn: 'M8 2.5 14 13H2zM8 6.5v3M8 11.2v.1',
  info: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 7.5v3.2M8 5.2v.1',
  again: 'M13 8a5 5 0 1 1-1.6-3.7M13 2.5v2.8h-2.8',
  remove: 'M3 4.5h10M6.5 4.5v-2h3v2M4.5 4.5l.6 9h5.8l.6-9',
  add: 'M8 3v10M3 8h10',
  back: 'M9.5 3.5 5 8l4.5 4.5',
  up: 'M8 13V3.5M4 7l4-4 4 4',
  light:
    'M8 10.8a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6zM8 1.5v1.3M8 13.2v1.3M1.5 8h1.3M13.2 8h1.3M3.4 3.4l.9.9M11.7 11.7l.9.9M12.6 3.4l-.9.9M4.3 11.7l-.9.9',
  dark: 'M13 9.6A5.5 5.5 0 0 1 6.4 3a5.5 5.5 0 1 0 6.6 6.6z',
  system: 'M2.5 3h11v7.5h-11zM6 13.5h4M8 10.5v3',
  leave: 'M6.5 2.5h-4v11h4M6 8h8M11 5l3 3-3 3',
  key: 'M10.2 9a3.2 3.2 0 1 0-3-4.2 3.2 3.2 0 0 0 .1 2.2L2.5 11.8v1.7h2.2v-1.7h1.7v-1.7L8 8.6A3.2 3.2 0 0 0 10.2 9z',
} as const;

export type IconName = keyof typeof PATHS;

/** A picture beside a text, or in a button that has a label: never read out. */
export function Icon({ name }: { name: IconName }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
