import { isTerminal } from '../log.ts';

/** Puts a text in a colour, where there are colours. */
export interface Colours {
  readonly dim: (text: string) => string;
  readonly bold: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
  readonly yellow: (text: string) => string;
  readonly cyan: (text: string) => string;
}

/** Of standard output. @see https://no-color.org */
export function colours(isColoured = isTerminal() && !process.env.NO_COLOR): Colours {
  const by =
    (code: number, end: number) =>
    (text: string): string =>
      isColoured && text !== '' ? `\u001b[${code}m${text}\u001b[${end}m` : text;
  return { dim: by(2, 22), bold: by(1, 22), red: by(31, 39), green: by(32, 39), yellow: by(33, 39), cyan: by(36, 39) };
}
