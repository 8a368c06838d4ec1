import path from 'node:path';
import type { Node } from 'jsonc-parser';
import type { AuthOptions } from './authorization-options.ts';
import type { Setting } from './catalogue.ts';
import type { ConfigProblem } from './config-error.ts';
import type { JsonSource } from './json-source.ts';
import { whereIs } from './origin.ts';
import { plainValue } from './raw-value.ts';
import { explainReadError, readNoted } from './read-file.ts';
import { type DescribedIssue, describeIssues, labelOf } from './schema-issues.ts';

type Path = readonly (string | number)[];

/** Where a structure is read from, and who hears of it. */
export interface StructureReader {
  readonly source: JsonSource;
  /** Folder that relative paths in it start at. */
  readonly folder: string;
  readonly problems: ConfigProblem[];
  readonly warnings: string[];
  /** Notes what is read, see `ReadFiles`. */
  readonly files: Map<string, string>;
}

/** Reads and checks an object or list with a form of its own; undefined when a problem was reported. */
export function readStructure(reader: StructureReader, setting: Setting, node: Node, label: string): unknown {
  const before = reader.problems.length;
  const value = setting.path === 'auth' ? withKeyFiles(reader, node, label) : plainValue(node);
  for (const issue of describeIssues(setting.schema, value)) report(reader, node, label, issue);
  if (reader.problems.length > before) return undefined;
  const checked = setting.schema.parse(value);
  if (setting.path === 'auth') warnOfWeakness(reader, node, label, checked as AuthOptions);
  return checked;
}

function report(reader: StructureReader, root: Node, label: string, issue: DescribedIssue): void {
  const { isName, message, suggestion } = issue;
  const issuePath = isName ? issue.path : asWritten(root, issue.path);
  const where = placeOf(reader, root, issuePath, isName);
  const problem = { where, message: `${labelOf(label, issuePath)}: ${message}.` };
  reader.problems.push(suggestion === undefined ? problem : { ...problem, suggestion });
}

/** A public key that came out of a file stands there as the name of the file. */
function asWritten(root: Node, issuePath: Path): Path {
  const filePath = [...issuePath.slice(0, -1), 'publicKeyFile'];
  const isFromFile = issuePath.at(-1) === 'publicKey' && !isThere(root, issuePath) && isThere(root, filePath);
  return isFromFile ? filePath : issuePath;
}

/** `soketi.config.json:12:5`; of what is missing, where it should be. */
function placeOf(reader: StructureReader, root: Node, valuePath: Path, isName = false): string {
  let place = root;
  for (const [index, part] of valuePath.entries()) {
    const child = childOf(place, part);
    if (child === undefined) break;
    place = isName && index === valuePath.length - 1 ? child.name : child.value;
  }
  return whereIs(reader.source.originAt(place.offset));
}

function isThere(root: Node, valuePath: Path): boolean {
  let place: Node | undefined = root;
  for (const part of valuePath) place = place && childOf(place, part)?.value;
  return place !== undefined;
}

/** Of a name that is there twice the last counts. */
function childOf(node: Node, part: string | number): { readonly name: Node; readonly value: Node } | undefined {
  if (typeof part === 'number') {
    const item = node.type === 'array' ? node.children?.[part] : undefined;
    return item && { name: item, value: item };
  }
  const property =
    node.type === 'object' ? node.children?.findLast(({ children }) => children?.[0]?.value === part) : undefined;
  const [name, value] = property?.children ?? [];
  return name && value && { name, value };
}

/** The value of `auth`, with what is in the files of `publicKeyFile` as `publicKey`. */
function withKeyFiles(reader: StructureReader, node: Node, label: string): unknown {
  const value = plainValue(node);
  const keys = isObject(value) && isObject(value.jwt) ? value.jwt.keys : undefined;
  if (!isObject(value) || !isObject(value.jwt) || !Array.isArray(keys)) return value;
  const read = keys.map((key: unknown, index): unknown => {
    // Beside a key that is written out it is a mistake, which the schema tells.
    if (!isObject(key) || typeof key.publicKeyFile !== 'string' || 'publicKey' in key || 'secret' in key) return key;
    const { publicKeyFile, ...others } = key;
    const content = readKeyFile(reader, node, label, ['jwt', 'keys', index, 'publicKeyFile'], publicKeyFile);
    return content === undefined ? key : { ...others, publicKey: content };
  });
  return { ...value, jwt: { ...value.jwt, keys: read } };
}

function readKeyFile(
  reader: StructureReader,
  root: Node,
  label: string,
  valuePath: Path,
  name: string,
): string | undefined {
  if (name === '') return undefined;
  const at = { where: placeOf(reader, root, valuePath) };
  if (name.includes('-----BEGIN')) {
    const message = 'expected the name of a file, got a key. A public key that is written out goes into publicKey.';
    reader.problems.push({ ...at, message: `${labelOf(label, valuePath)}: ${message}` });
    return undefined;
  }
  const file = path.resolve(reader.folder, name);
  try {
    const content = readNoted(reader.files, file);
    if (content.trim() !== '') return content;
    reader.problems.push({ ...at, message: `${labelOf(label, valuePath)}: ${file} is empty.` });
  } catch (error) {
    const why = explainReadError(error, 'A relative path starts at the folder of the configuration file.');
    reader.problems.push({ ...at, message: `${labelOf(label, valuePath)}: ${file}: ${why}` });
  }
  return undefined;
}

function warnOfWeakness(reader: StructureReader, root: Node, label: string, { jwt }: AuthOptions): void {
  const warn = (valuePath: Path, text: string): void => {
    reader.warnings.push(`${labelOf(label, valuePath)} (${placeOf(reader, root, valuePath)}) ${text}`);
  };
  if (jwt?.jwksUrl !== undefined && isExposed(jwt.jwksUrl)) {
    warn(
      ['jwt', 'jwksUrl'],
      'is fetched without TLS: whoever is on the way there can put in keys of his own. Use https.',
    );
  }
}

/** Whether what is fetched there could be changed on its way to this machine. */
function isExposed(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === 'http:' && !/^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
