import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { text as readText } from 'node:stream/consumers';

/** An event of a stream. */
export interface StreamEvent {
  readonly event: string;
  readonly data: string;
}

/** What answered is no stream of events. */
export class NoStream extends Error {
  override readonly name = 'NoStream';
  readonly status: number;
  readonly text: string;

  constructor(status: number, text: string) {
    super(`the answer has the status ${status}`);
    this.status = status;
    this.text = text;
  }
}

const ANSWER_MS = 10_000;
/** After that the connection counts as lost: something is said each second. */
const SILENCE_MS = 15_000;

/**
 * Reads Server-Sent Events until the server ends them, or the signal does.
 *
 * @throws {NoStream} by rejection; and what the network says
 * @see WHATWG, "Server-sent events"
 */
export async function* readEvents(
  url: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): AsyncGenerator<StreamEvent> {
  const response = await open(url, headers, signal);
  const type = response.headers['content-type'] ?? '';
  if (response.statusCode !== 200 || !type.startsWith('text/event-stream')) {
    throw new NoStream(response.statusCode ?? 0, await readText(response));
  }
  response.setTimeout(SILENCE_MS, () => response.destroy(new Error('the server is silent')));
  let rest = '';
  for await (const chunk of response.setEncoding('utf8')) {
    const blocks = (rest + String(chunk)).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const event = readBlock(block);
      if (event) yield event;
    }
  }
}

function open(url: string, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = url.startsWith('https:') ? requestHttps : requestHttp;
    const sent = { ...headers, Accept: 'text/event-stream' };
    const asked = request(url, { headers: sent, agent: false, signal }, resolve);
    asked.setTimeout(ANSWER_MS, () => asked.destroy(new Error(`no answer within ${ANSWER_MS / 1000} s`)));
    asked.on('error', reject).end();
  });
}

/** Undefined: a comment, or an event without data. */
function readBlock(block: string): StreamEvent | undefined {
  let event = 'message';
  const data: string[] = [];
  for (const line of block.split(/\r?\n/)) {
    const [, field, value = ''] = /^(event|data): ?(.*)$/.exec(line) ?? [];
    if (field === 'event') event = value;
    if (field === 'data') data.push(value);
  }
  return data.length === 0 ? undefined : { event, data: data.join('\n') };
}
