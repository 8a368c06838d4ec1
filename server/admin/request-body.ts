import type { IncomingMessage } from 'node:http';
import { type ParseError, parseTree } from 'jsonc-parser';
import { AdminError } from './admin-error.ts';

/** An app with many rules and keys has a few KB. */
const MAX_BODY_BYTES = 1_048_576;
/** What is read of a body that is too large, so that its client, which may still be sending, gets the answer. */
const MAX_SKIPPED_BYTES = 8_388_608;
const JSON_TYPE = /^application\/(?:merge-patch\+)?json\s*(?:;|$)/i;

/**
 * The body of a request, parsed; undefined where there is none.
 *
 * @throws {AdminError} 400, 413 or 415, by rejection
 */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const { 'content-type': type, 'content-length': length = '0', 'transfer-encoding': encoding } = request.headers;
  if (type === undefined && length === '0' && encoding === undefined) return undefined;
  if (type === undefined || !JSON_TYPE.test(type)) {
    throw new AdminError('unsupported-content-type', 415, 'Send the body as JSON: Content-Type: application/json');
  }
  return parseBody(await readText(request));
}

async function readText(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request.iterator({ destroyOnReturn: false })) {
    size += part.length;
    if (size <= MAX_BODY_BYTES) parts.push(part);
    else if (size > MAX_SKIPPED_BYTES) break;
  }
  if (size <= MAX_BODY_BYTES) return Buffer.concat(parts).toString();
  throw new AdminError('body-too-large', 413, `The body exceeds the limit of ${MAX_BODY_BYTES} bytes`);
}

function parseBody(text: string): unknown {
  if (text.trim() === '') return undefined;
  // Before anything that goes down into it: JSON has no bound, stacks and the JSON of databases have.
  if (isDeep(text)) {
    const message = `The body is nested more than ${MAX_DEPTH} levels deep, which no app is`;
    throw new AdminError('invalid-json', 400, message);
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new AdminError('invalid-json', 400, `The body is not valid JSON: ${reasonOf(text)}`);
  }
}

/** MySQL takes 100 levels; options of an app have a few. */
const MAX_DEPTH = 50;

/** Whether objects and lists of a JSON text, which may be broken, are in one another too often. */
function isDeep(text: string): boolean {
  let depth = 0;
  let isText = false;
  for (let at = 0; at < text.length && depth <= MAX_DEPTH; at += 1) {
    const sign = text[at];
    if (sign === '"') isText = !isText;
    else if (isText) at += sign === '\\' ? 1 : 0;
    else if (sign === '[' || sign === '{') depth += 1;
    else if (sign === ']' || sign === '}') depth -= 1;
  }
  return depth > MAX_DEPTH;
}

/** Where it is wrong; without showing a piece of it, which may be a secret. */
function reasonOf(text: string): string {
  const errors: ParseError[] = [];
  parseTree(text, errors, { disallowComments: true });
  const offset = errors[0]?.offset ?? text.length;
  if (offset >= text.trimEnd().length) return 'it ends too early';
  const lines = text.slice(0, offset).split('\n');
  return `there is an error at line ${lines.length}, column ${(lines.at(-1) ?? '').length + 1}`;
}
