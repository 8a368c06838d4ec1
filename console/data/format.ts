const LANGUAGE = 'en-GB';
const whole = new Intl.NumberFormat(LANGUAGE, { maximumFractionDigits: 0 });
const clock = new Intl.DateTimeFormat(LANGUAGE, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hour12: false,
});
const day = new Intl.DateTimeFormat(LANGUAGE, { day: 'numeric', month: 'short', year: 'numeric' });
const moment = new Intl.DateTimeFormat(LANGUAGE, { dateStyle: 'medium', timeStyle: 'medium', hour12: false });

export function formatCount(count: number): string {
  return whole.format(count);
}

/** Something per second: `0.3`, `12`, `1,204`. */
export function formatRate(perSecond: number): string {
  return perSecond > 0 && perSecond < 10 ? String(Math.round(perSecond * 10) / 10) : whole.format(perSecond);
}

export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit > 0 && value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

export function formatShare(share: number): string {
  return `${Math.round(share * 100)} %`;
}

export function formatMilliseconds(ms: number): string {
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`;
  return `${ms < 10 ? Math.round(ms * 10) / 10 : Math.round(ms)} ms`;
}

/** `14:03:22.115` */
export function formatClock(iso: string): string {
  const date = new Date(iso);
  return `${clock.format(date)}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

export function formatMoment(iso: string): string {
  return moment.format(new Date(iso));
}

export function formatDay(iso: string): string {
  return day.format(new Date(iso));
}

/** How long ago, or ahead: `12 s`, `4 min`, `3 h`, `9 d`. */
export function formatSpan(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

export function formatAge(iso: string): string {
  return formatSpan(Date.now() - Date.parse(iso));
}

/** `1 socket`, `2 sockets` */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}
