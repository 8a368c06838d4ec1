/**
 * Whether a page from this origin may connect.
 *
 * @param allowed - `https://app.example.com`, `app.example.com` (any scheme and port), `*.example.com` (any host below it),
 *   `https://*.example.com:8443`, `*`; empty: everyone
 * @param origin - `Origin` header; browsers send one with every WebSocket, and everybody else can make one up
 * @param allowsMissing - let clients in that send none: devices, backends
 */
export function isAllowedOrigin(allowed: readonly string[], origin: string | undefined, allowsMissing = true): boolean {
  if (allowed.length === 0) return true;
  if (origin === undefined || origin === '') return allowsMissing;
  const given = parse(origin.toLowerCase());
  return allowed.some((pattern) => pattern === '*' || matches(parse(pattern.toLowerCase()), given));
}

interface Origin {
  readonly scheme: string;
  readonly host: string;
  readonly port: string;
}

/** Works on patterns too, which `URL` would refuse for their `*`. */
function parse(text: string): Origin {
  const match = /^(?:([a-z][a-z0-9+.-]*):\/\/)?(\[[^\]]*\]|[^:/]*)(?::(\d+|\*))?\/?$/.exec(text);
  return { scheme: match?.[1] ?? '', host: match?.[2] ?? '', port: match?.[3] ?? '' };
}

function matches(pattern: Origin, given: Origin): boolean {
  if (pattern.host === '' || given.host === '') return false;
  if (pattern.scheme !== '' && pattern.scheme !== given.scheme) return false;
  if (!matchesHost(pattern.host, given.host)) return false;
  if (pattern.port === '*' || (pattern.port === '' && pattern.scheme === '')) return true;
  return portOf(pattern) === portOf(given);
}

function matchesHost(pattern: string, host: string): boolean {
  if (pattern === '*') return true;
  return pattern.startsWith('*.')
    ? host.endsWith(pattern.slice(1)) && host.length > pattern.length - 1
    : host === pattern;
}

function portOf({ scheme, port }: Origin): string {
  if (port !== '') return port;
  return scheme === 'http' ? '80' : scheme === 'https' ? '443' : '';
}
