import { isJsonObject, parseJson } from '../../protocol/json.ts';
import { explainNetwork } from '../client/explain-network.ts';
import type { HttpAnswer } from '../client/http-exchange.ts';
import type { SocketEnd } from '../client/pusher-socket.ts';
import { foreign } from '../log.ts';
import type { FaultId } from './finding.ts';

/** What an answer gives away about whoever gave it. */
export interface Symptom {
  readonly id: FaultId;
  readonly found: string;
  /** It came from a broker, and not from something before it. */
  readonly isOfBroker: boolean;
}

const MAX_TEXT = 160;

/** Faults by the id in `X-Kulkul-Error`. */
const BY_ID: Readonly<Record<string, FaultId>> = {
  'unknown-auth-key': 'wrong-key',
  'invalid-signature': 'wrong-secret',
  'unknown-app-id': 'wrong-app-id',
  'app-disabled': 'app-disabled',
  'auth-timestamp': 'clock-off',
};

/** Of servers that name no id: hosted Pusher, Soketi, Reverb. */
const BY_TEXT: readonly (readonly [RegExp, FaultId])[] = [
  [/timestamp expired/i, 'clock-off'],
  [/unknown auth_key|app ?key .*(not|unknown)/i, 'wrong-key'],
  [/signature/i, 'wrong-secret'],
  [/unknown app|no matching application|app .* could not be found/i, 'wrong-app-id'],
  [/app.* (is )?disabled/i, 'app-disabled'],
];

/** What is wrong with the answer to a signed request for the list of channels; undefined: nothing. */
export function readApiAnswer(answer: HttpAnswer): Symptom | undefined {
  const { status, headers, text } = answer;
  const json = parseJson(text);
  if (status === 200 && isJsonObject(json) && isJsonObject(json.channels)) return undefined;
  const own = headers['x-kulkul-error'];
  if (own !== undefined) return { ...ofKulkul(own, text), isOfBroker: true };
  const isPage = /html/i.test(headers['content-type'] ?? '');
  const known = isPage || status < 400 ? undefined : BY_TEXT.find(([pattern]) => pattern.test(text));
  if (known) return { id: known[1], found: `it answers ${status}: ${short(text)}`, isOfBroker: true };
  return { ...ofStranger(answer), isOfBroker: false };
}

function ofKulkul(id: string, text: string): Pick<Symptom, 'id' | 'found'> {
  const found = `the broker says: ${short(text)}`;
  if (id !== 'not-found') return { id: BY_ID[id] ?? 'request-refused', found };
  return { id: /\(pathPrefix\)/.test(text) ? 'prefix-removed' : 'prefix-kept', found };
}

/** Something before the broker, or something else. */
function ofStranger({ status, headers, text }: HttpAnswer): Pick<Symptom, 'id' | 'found'> {
  if (status >= 300 && status <= 399 && headers.location !== undefined) {
    return { id: 'redirected', found: `it answers ${status} and leads to ${foreign(headers.location)}` };
  }
  if (
    status === 400 &&
    /plain http request was sent to https port|sent an http request to an https server/i.test(text)
  ) {
    return { id: 'tls-spoken', found: 'it speaks TLS, and the address begins with http://' };
  }
  if (status === 505) return { id: 'http-1.0', found: 'it answers 505, HTTP version not supported' };
  if (status >= 502 && status <= 504) return { id: 'broker-down', found: `the proxy answers ${status}` };
  const server = headers.server === undefined ? '' : ` by ${foreign(headers.server, 40)}`;
  const title = /<title>([^<]*)/i.exec(text)?.[1]?.trim();
  const what = title ? `a page with the title ${JSON.stringify(foreign(title, 60))}` : short(text, 60) || 'nothing';
  return { id: 'not-a-broker', found: `it answers ${status}${server} with ${what}` };
}

/** Why no WebSocket came about. */
export function readSocketEnd(end: SocketEnd): Symptom {
  switch (end.kind) {
    case 'network':
      return {
        id: 'websocket-not-forwarded',
        found: `the connection fails: ${explainNetwork(end.error)}`,
        isOfBroker: false,
      };
    case 'silent':
      return { id: 'websocket-silent', found: 'it opens, but nothing arrives on it', isOfBroker: false };
    case 'closed':
      return { ...ofCode(end.code, end.text), isOfBroker: end.code >= 4000 };
    case 'answered':
      return readUpgradeAnswer(end);
  }
}

function readUpgradeAnswer(answer: HttpAnswer): Symptom {
  const { headers, text } = answer;
  if (headers['x-kulkul-error'] === 'not-found' && text.includes('Sec-WebSocket-Key')) {
    const found = 'the broker gets a plain request: the headers that ask for a WebSocket are lost on the way';
    return { id: 'websocket-not-forwarded', found, isOfBroker: true };
  }
  if (headers['x-kulkul-error'] !== undefined)
    return { ...ofKulkul(headers['x-kulkul-error'], text), isOfBroker: true };
  return { ...ofStranger(answer), isOfBroker: false };
}

function ofCode(code: number, text: string): Pick<Symptom, 'id' | 'found'> {
  const found = `it is closed with ${code}${text === '' ? '' : `: ${short(text)}`}`;
  switch (code) {
    case 4000:
      return { id: 'tls-required', found };
    case 4001:
      return { id: 'wrong-key', found };
    case 4003:
      return { id: 'app-disabled', found };
    case 4005:
      return { id: /Path not found: \/app\//.test(text) ? 'prefix-removed' : 'prefix-kept', found };
    default:
      return { id: 'websocket-refused', found };
  }
}

function short(text: string, maxLength = MAX_TEXT): string {
  return foreign(text.replace(/\s+/g, ' ').trim(), maxLength);
}
