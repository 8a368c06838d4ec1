import { useComputed, useSignalEffect } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import Plot, { type AlignedData, type Options } from 'uplot';
import { useConsole } from '../data/context.ts';
import { formatRate } from '../data/format.ts';
import type { Moment } from '../data/live-stream.ts';

export interface Line {
  readonly label: string;
  /** Of the style sheet: `line-1`, `line-2`. */
  readonly color: string;
  readonly value: (moment: Moment) => number;
}

interface ChartProps {
  readonly title: string;
  readonly lines: readonly Line[];
}

const HEIGHT = 168;
/** Seconds that are shown at least: a line of two points would jump at each one. */
const LEAST_SECONDS = 60;

/** Figures of all nodes over the last minutes. The last ones are there as text, too. */
export function Chart({ title, lines }: ChartProps): JSX.Element {
  const { live, theme } = useConsole();
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot | undefined>(undefined);
  const data = useComputed(() => columnsOf(live.moments.value, lines));

  useEffect(() => {
    const target = place.current;
    if (!target) return;
    const draw = (): void => {
      plot.current?.destroy();
      plot.current = new Plot(optionsOf(target, lines), data.peek(), target);
    };
    draw();
    const resized = new ResizeObserver(() => plot.current?.setSize({ width: target.clientWidth, height: HEIGHT }));
    resized.observe(target);
    const dark = matchMedia('(prefers-color-scheme: dark)');
    dark.addEventListener('change', draw);
    return () => {
      resized.disconnect();
      dark.removeEventListener('change', draw);
      plot.current?.destroy();
      plot.current = undefined;
    };
  }, [theme.name.value]);

  useSignalEffect(() => plot.current?.setData(data.value));

  const last = live.moments.value.at(-1);
  return (
    <figure class="card chart-card">
      <figcaption class="card-head">
        <h2>{title}</h2>
        <div class="push legend">
          {lines.map(({ label, color, value }) => (
            <span key={label}>
              <span class={`swatch ${color}`} />
              {label} <strong>{last ? formatRate(value(last)) : '–'}</strong>
            </span>
          ))}
        </div>
      </figcaption>
      <div class="chart" ref={place} aria-hidden="true" />
    </figure>
  );
}

function columnsOf(moments: readonly Moment[], lines: readonly Line[]): AlignedData {
  return [moments.map(({ timeMs }) => timeMs / 1000), ...lines.map(({ value }) => moments.map(value))];
}

function optionsOf(target: HTMLElement, lines: readonly Line[]): Options {
  const text = colorOf(target, 'muted');
  const grid = colorOf(target, 'grid');
  const axis = {
    stroke: text,
    grid: { stroke: grid, width: 1 },
    ticks: { show: false },
    font: '11px system-ui, sans-serif',
  };
  return {
    width: target.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    padding: [8, 24, 0, 0],
    scales: {
      x: { time: true, range: (_plot, from, to) => [Math.min(from, to - LEAST_SECONDS), to] },
      y: { range: (_plot, _from, to) => [0, Math.max(1, to * 1.1)] },
    },
    axes: [
      { ...axis, space: 80, size: 24, values: (_plot, times) => times.map(clockOf) },
      { ...axis, space: 36, size: 48, values: (_plot, values) => values.map(short) },
    ],
    series: [
      {},
      ...lines.map(({ label, color }) => ({
        label,
        stroke: colorOf(target, color),
        width: 1.75,
        points: { show: false },
      })),
    ],
  };
}

/** A color of the style sheet as the canvas takes it. */
function colorOf(target: HTMLElement, name: string): string {
  const probe = document.createElement('span');
  probe.className = name;
  target.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

function clockOf(seconds: number): string {
  const date = new Date(seconds * 1000);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

function short(value: number): string {
  if (value >= 1_000_000) return `${value / 1_000_000} M`;
  if (value >= 10_000) return `${value / 1000} k`;
  return formatRate(value);
}
