import type { Target } from '../client/target.ts';
import type { Diagnosis } from '../doctor/doctor.ts';
import { FAULTS, type Finding, type Level } from '../doctor/finding.ts';
import { MENDED_BY_PROXY, PROXIES, type ProxyName, proxyBlock, proxyNamed } from '../doctor/proxy-blocks.ts';
import { foreign } from '../log.ts';
import type { Colours } from './colours.ts';

const LABELS: Readonly<Record<Level, string>> = { ok: 'ok', warning: 'warn', failure: 'FAIL', skipped: '-' };
const NAME_WIDTH = 15;
const INDENT = ' '.repeat(2 + 6 + NAME_WIDTH);

export function headText(target: Target | undefined): string {
  if (target === undefined) return '\n';
  const { id, key } = target.app;
  if (id === undefined && key === undefined) return `${target.apiUrl}, without an app\n\n`;
  return `${target.apiUrl}, app ${id ?? 'without an id'} with ${key === undefined ? 'no key' : `the key ${key}`} (${target.source})\n\n`;
}

/** A line, with what to do in the lines below it. What a terminal might interpret is escaped: names in certificates and headers come from strangers. */
export function findingText({ check, level, id, found }: Finding, paint: Colours): string {
  const label = LABELS[level].padEnd(6);
  const colour = { ok: paint.green, warning: paint.yellow, failure: paint.red, skipped: paint.dim }[level];
  const lines = found.split('\n').map((line) => foreign(line, MAX_LINE_LENGTH));
  const text = lines.join(`\n${INDENT}`);
  const line = `  ${colour(label)}${check.padEnd(NAME_WIDTH)}${level === 'skipped' ? paint.dim(text) : text}\n`;
  return id === undefined ? line : `${line}${wrapped(FAULTS[id])}`;
}

const MAX_LINE_LENGTH = 1000;
const WIDTH = 110;

function wrapped(text: string): string {
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines.at(-1) ?? '';
    if (last !== '' && INDENT.length + last.length + word.length + 3 > WIDTH) lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines.map((line, index) => `${INDENT}${index === 0 ? '→ ' : '  '}${line}\n`).join('');
}

/** The end of a report. */
export function verdictText(
  target: Target | undefined,
  diagnosis: Diagnosis,
  broker: string,
  asked: ProxyName | undefined,
  paint: Colours,
): string {
  const idsOf = (level: Level): (string | undefined)[] =>
    diagnosis.findings.filter((finding) => finding.level === level).map(({ id }) => id);
  const [failures, warnings] = [idsOf('failure'), idsOf('warning')];
  const parts = [
    ...(failures.length === 0 ? [] : [paint.red(`${countText(failures.length, 'fault')}: ${failures.join(', ')}.`)]),
    ...(warnings.length === 0
      ? []
      : [paint.yellow(`${countText(warnings.length, 'warning')}: ${warnings.join(', ')}.`)]),
  ];
  const verdict = parts.length === 0 ? paint.green('All is well.') : parts.join(' ');
  return `\n${verdict}\n${proxyText(target, diagnosis, broker, asked)}`;
}

function proxyText(
  target: Target | undefined,
  diagnosis: Diagnosis,
  broker: string,
  asked: ProxyName | undefined,
): string {
  const isMended = diagnosis.findings.some(({ id }) => id !== undefined && MENDED_BY_PROXY.has(id));
  if (target === undefined || (!isMended && asked === undefined)) return '';
  const proxy = asked ?? proxyNamed(diagnosis.proxy);
  if (proxy === undefined) {
    return `\nWhat a proxy needs: add --proxy with the one that you have, ${PROXIES.join(', ')}. More on docs/operating.md.\n`;
  }
  return `\nWhat ${proxy} needs, with the broker at ${broker}:\n\n${proxyBlock(proxy, placeOf(target, broker))}`;
}

function placeOf({ apiUrl }: Target, broker: string): { host: string; broker: string; prefix: string } {
  const { hostname, pathname } = new URL(apiUrl);
  return { host: hostname, broker, prefix: pathname === '/' ? '' : pathname };
}

/** For programs. */
export function diagnosisJson(
  target: Target | undefined,
  { findings, proxy }: Diagnosis,
  broker: string,
  asked: ProxyName | undefined,
): string {
  const isMended = findings.some(({ id }) => id !== undefined && MENDED_BY_PROXY.has(id));
  const named = asked ?? proxyNamed(proxy);
  const names = named === undefined ? PROXIES : [named];
  const place = target && placeOf(target, broker);
  const report = {
    ok: findings.every(({ level }) => level !== 'failure'),
    url: target?.apiUrl,
    app: target?.app.id,
    server: proxy,
    checks: findings.map((finding) => ({ ...finding, ...(finding.id && { advice: FAULTS[finding.id] }) })),
    ...(place &&
      (isMended || asked !== undefined) && {
        proxies: Object.fromEntries(names.map((name) => [name, proxyBlock(name, place)])),
      }),
  };
  return `${JSON.stringify(report, null, 2)}\n`;
}

function countText(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
