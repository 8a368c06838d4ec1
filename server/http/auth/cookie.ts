/**
 * The value of a cookie, decoded; undefined when there is none of this name, or several that differ: which of them is meant
 * can't be told then, and a neighbouring site may have set one.
 *
 * @param header - `Cookie`, as sent
 * @see RFC 6265, 4.2.1
 */
export function cookieValue(header: string, name: string): string | undefined {
  let found: string | undefined;
  for (const pair of header.split(';')) {
    const equals = pair.indexOf('=');
    if (equals < 0 || pair.slice(0, equals).trim() !== name) continue;
    const value = pair.slice(equals + 1).trim();
    if (found !== undefined && found !== value) return undefined;
    found = value;
  }
  return found === undefined || found === '' ? undefined : decode(unquote(found));
}

function unquote(value: string): string {
  return value.length >= 2 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
