import { getNodeValue, type Node } from 'jsonc-parser';
import type { SettingKind } from './catalogue.ts';
import { isProblem, type JsonSource, parseJson, variableSource } from './json-source.ts';

/** A value as a source has it: a node of parsed JSON, or the text of a variable or flag. */
export type RawValue =
  | { readonly from: 'json'; readonly node: Node; readonly source: JsonSource }
  | { readonly from: 'text'; readonly text: string };

/**
 * What a raw value means for a setting of this kind: a string, number, boolean, list or anything else. Whether that is
 * valid, the schema decides; a value that can't be understood is given back as it stands.
 */
export function interpret(kind: SettingKind, raw: RawValue): unknown {
  return raw.from === 'json' ? interpretNode(kind, raw.node, raw.source) : interpretText(kind, raw.text);
}

function interpretNode(kind: SettingKind, node: Node, source: JsonSource): unknown {
  switch (kind) {
    case 'flag':
      return typeof node.value === 'string' || typeof node.value === 'number'
        ? readFlag(String(node.value))
        : plainValue(node);
    case 'number':
      return typeof node.value === 'string' ? readNumber(node.value) : plainValue(node);
    case 'text':
    case 'choice':
      return exactText(node, source);
    case 'list':
      if (node.type === 'array') return (node.children ?? []).map((item) => exactText(item, source));
      return node.type === 'string' ? [node.value] : plainValue(node);
    case 'auto':
    case 'switch':
    case 'addresses':
      return node.type === 'string' ? interpretText(kind, String(node.value)) : readAddresses(kind, plainValue(node));
    default:
      return plainValue(node);
  }
}

function interpretText(kind: SettingKind, text: string): unknown {
  switch (kind) {
    case 'flag':
      return readFlag(unquote(text));
    case 'number':
      return readNumber(unquote(text));
    case 'auto':
      return unquote(text).trim() === 'auto' ? 'auto' : readNumber(unquote(text));
    case 'switch':
      return text.trim().startsWith('{') ? readAnything(text) : readFlag(unquote(text));
    case 'addresses':
      return readAddresses(kind, text.trim().startsWith('[') ? readAnything(text) : readList(text));
    case 'list':
      return readList(text);
    case 'options':
    case 'structure':
    case 'anything':
      return readAnything(text);
    default:
      return unquote(text);
  }
}

/**
 * The text of a string, or a number exactly as it is written. A key of digits may be given as a number, but must not
 * come back as `1e+21` or without its last digits.
 */
export function exactText(node: Node, source: JsonSource): unknown {
  return node.type === 'number' ? source.text.slice(node.offset, node.offset + node.length) : plainValue(node);
}

/** The value of a node of any type; jsonc-parser keeps it in two places. */
export function plainValue(node: Node): unknown {
  return node.type === 'object' || node.type === 'array' ? getNodeValue(node) : node.value;
}

/** Variables are "JSON, else text": so a text in double quotes, as `docker --env-file` passes it on, loses them. */
function unquote(text: string): string {
  if (!/^\s*".*"\s*$/s.test(text)) return text;
  try {
    return JSON.parse(text) as string;
  } catch {
    return text;
  }
}

function readFlag(text: string): unknown {
  switch (text.trim().toLowerCase()) {
    case '1':
    case 'true':
    case 'yes':
    case 'on':
      return true;
    case '0':
    case 'false':
    case 'no':
    case 'off':
      return false;
    default:
      return text;
  }
}

function readNumber(text: string): unknown {
  const trimmed = text.trim();
  return /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(trimmed) ? Number(trimmed) : text;
}

/** `["a", "b"]`, or `a, b`. */
function readList(text: string): unknown {
  if (text.trim().startsWith('[')) {
    const source = variableSource({ kind: 'default' }, text);
    const parsed = parseJson(source);
    return isProblem(parsed) ? text : interpretNode('list', parsed, source);
  }
  return unquote(text)
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean);
}

/** Servers of Redis: `host:port`, or `redis://user:password@host:port`, becomes an object; one alone becomes a list. */
function readAddresses(kind: SettingKind, value: unknown): unknown {
  if (kind !== 'addresses' || typeof value !== 'object' || value === null) return value;
  return (Array.isArray(value) ? value : [value]).map((item: unknown) =>
    typeof item === 'string' ? readAddress(item) : withNumericPort(item),
  );
}

function withNumericPort(address: unknown): unknown {
  if (typeof address !== 'object' || address === null || !('port' in address)) return address;
  return { ...address, port: typeof address.port === 'string' ? readNumber(address.port) : address.port };
}

function readAddress(text: string): unknown {
  try {
    const url = new URL(text.includes('://') ? text : `redis://${text}`);
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
    return {
      host: decodeURIComponent(host),
      ...(url.port !== '' && { port: Number(url.port) }),
      ...(url.username !== '' && { username: decodeURIComponent(url.username) }),
      ...(url.password !== '' && { password: decodeURIComponent(url.password) }),
    };
  } catch {
    return text;
  }
}

function readAnything(text: string): unknown {
  const parsed = parseJson(variableSource({ kind: 'default' }, text));
  return isProblem(parsed) ? text : plainValue(parsed);
}
