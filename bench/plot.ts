import { amount } from './report.ts';
import type { Spread } from './statistics.ts';

/** One plot of several that share an image. */
export interface Panel {
  readonly title: string;
  /** What x counts. */
  readonly x: string;
  /** Unit of y. */
  readonly y: string;
  readonly lines: readonly Line[];
}

export interface Line {
  readonly name: string;
  readonly points: readonly Point[];
}

export interface Point extends Spread {
  readonly x: number;
}

const PANEL = { width: 440, height: 270 };
const COLUMNS = 2;
/** Of the plotting area inside a panel. */
const AREA = { left: 62, right: 424, top: 44, bottom: 218 };
const Y_STEPS = 4;
const MOST_TICKS = 7;
/** With more points only their line is drawn. */
const MOST_DOTS = 30;

/** Readable on white and on black. */
const INK = '#7d8590';
const COLORS = ['#d2762b', '#3f8cf0'];

/** Panels as one SVG, without a background of its own. Beyond twentyfold numbers the x axis is logarithmic. */
export function plot(panels: readonly Panel[]): string {
  const rows = Math.ceil(panels.length / COLUMNS);
  const [width, height] = [PANEL.width * COLUMNS, PANEL.height * rows];
  const drawn = panels.map((panel, index) => {
    const [x, y] = [(index % COLUMNS) * PANEL.width, Math.floor(index / COLUMNS) * PANEL.height];
    return `<g transform="translate(${x} ${y})">\n${draw(panel)}\n</g>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif" font-size="12" fill="${INK}"><title>Figures of Kulkul</title>
${drawn.join('\n')}
</svg>
`;
}

function draw({ title, x: xTitle, y: yTitle, lines }: Panel): string {
  const points = lines.flatMap((line) => line.points);
  const xs = [...new Set(points.map(({ x }) => x))];
  const top = niceTop(Math.max(...points.map(({ highest }) => highest)));
  const ticks = ticksOf(xs);
  const xOf = xScale([...xs, ...ticks]);
  const yOf = (value: number): number => AREA.bottom - (value / top) * (AREA.bottom - AREA.top);
  return [
    text(AREA.left, 18, title, 'font-size="14" font-weight="600"'),
    text(AREA.left, 35, yTitle, 'font-size="11"'),
    ...gridLines(top, yOf),
    ...ticks.map((x) => text(xOf(x), AREA.bottom + 16, count(x), 'text-anchor="middle"')),
    text((AREA.left + AREA.right) / 2, AREA.bottom + 33, xTitle, 'text-anchor="middle"'),
    ...lines.flatMap((line, index) => drawLine(line, colorOf(lines, index), xOf, yOf)),
    ...legend(lines),
  ].join('\n');
}

function xScale(xs: readonly number[]): (x: number) => number {
  const [lowest, highest] = [Math.min(...xs), Math.max(...xs)];
  const isWide = lowest > 0 && highest / lowest >= 20;
  const at = (x: number): number => (isWide ? Math.log10(x) : x);
  const span = at(highest) - at(lowest) || 1;
  return (x) => AREA.left + 14 + ((at(x) - at(lowest)) / span) * (AREA.right - AREA.left - 28);
}

/** All that were measured, or some round ones. */
function ticksOf(xs: readonly number[]): readonly number[] {
  if (xs.length <= MOST_TICKS) return xs;
  const highest = Math.max(...xs);
  const step = niceTop(highest / (MOST_TICKS - 1));
  return Array.from({ length: Math.floor(highest / step) + 1 }, (_, index) => index * step);
}

function gridLines(top: number, yOf: (value: number) => number): string[] {
  return Array.from({ length: Y_STEPS + 1 }, (_, step) => {
    const value = (top * step) / Y_STEPS;
    const y = round(yOf(value));
    const line = `<line x1="${AREA.left}" y1="${y}" x2="${AREA.right}" y2="${y}" stroke="${INK}" stroke-opacity="${step === 0 ? 0.9 : 0.25}"/>`;
    return `${line}${text(AREA.left - 6, y + 4, Number(value.toPrecision(3)).toString(), 'text-anchor="end"')}`;
  });
}

/** Medians joined, with how far the rounds lie apart. */
function drawLine(
  { name, points }: Line,
  color: string,
  xOf: (x: number) => number,
  yOf: (value: number) => number,
): string[] {
  const joined = points.map(({ x, median }) => `${round(xOf(x))},${round(yOf(median))}`).join(' ');
  const line = `<polyline points="${joined}" fill="none" stroke="${color}" stroke-width="2"/>`;
  if (points.length > MOST_DOTS) return [line];
  const dots = points.map(({ x, median, lowest, highest }) => {
    const at = round(xOf(x));
    const spread = `<line x1="${at}" y1="${round(yOf(lowest))}" x2="${at}" y2="${round(yOf(highest))}" stroke="${color}" stroke-opacity="0.6"/>`;
    const title = `<title>${name}: ${amount(median)} (${amount(lowest)} – ${amount(highest)})</title>`;
    return `${spread}<circle cx="${at}" cy="${round(yOf(median))}" r="3" fill="${color}">${title}</circle>`;
  });
  return [line, ...dots];
}

/** The last line is the one that it is about, and always has the same color. */
function colorOf(lines: readonly Line[], index: number): string {
  return COLORS[COLORS.length - lines.length + index] ?? INK;
}

function legend(lines: readonly Line[]): string[] {
  if (lines.length < 2) return [];
  return lines.map(({ name }, index) => {
    const x = AREA.right - (lines.length - index) * 62;
    const swatch = `<rect x="${x}" y="26" width="10" height="10" rx="2" fill="${colorOf(lines, index)}"/>`;
    return `${swatch}${text(x + 15, 35, name, '')}`;
  });
}

/** A round number at or above a value. */
function niceTop(value: number): number {
  const magnitude = 10 ** Math.floor(Math.log10(value || 1));
  const step = [1, 2, 4, 6, 8, 10].find((candidate) => candidate * magnitude >= value) ?? 10;
  return step * magnitude;
}

const round = (value: number): number => Math.round(value * 10) / 10;
const count = (x: number): string => (x >= 1000 ? `${x / 1000}k` : `${Number(x.toPrecision(3))}`);
const text = (x: number, y: number, content: string, attributes: string): string =>
  `<text x="${round(x)}" y="${round(y)}" ${attributes}>${content}</text>`;
