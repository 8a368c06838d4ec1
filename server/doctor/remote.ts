import { connect } from 'node:net';
import { explainNetwork, networkCode } from '../client/explain-network.ts';
import type { HttpAnswer } from '../client/http-exchange.ts';
import { type AppCredentials, PusherApi } from '../client/pusher-api.ts';
import { PusherSocket } from '../client/pusher-socket.ts';
import type { Target } from '../client/target.ts';
import { readApiAnswer, readSocketEnd, type Symptom } from './answers.ts';
import { examineCertificate, speaksTls } from './certificate.ts';
import { examineDelivery, Frames } from './delivery.ts';
import { type CheckName, type Finding, failure, ok, skipped, warning } from './finding.ts';

export interface RemoteParts {
  readonly target: Target;
  /** For each step. */
  readonly timeoutMs: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** A request is refused at this distance of the clocks. */
const CLOCK_LIMIT_SECONDS = 600;
const CLOCK_NOTE_SECONDS = 30;
const NO_SECRET =
  'id and secret of the app must be known: set PUSHER_APP_ID and PUSHER_APP_SECRET, or add --app and --secret';
const AFTER_ADDRESS: readonly CheckName[] = ['certificate', 'HTTP API', 'clock', 'WebSocket', 'delivery'];

/**
 * Looks at a server as its clients and backends meet it. What a fault hides is not guessed at: it is reported as skipped.
 *
 * @returns what stands before the broker, by the header `Server`; undefined where it does not say
 */
export async function examineServer(parts: RemoteParts, tell: (finding: Finding) => void): Promise<string | undefined> {
  const { target, timeoutMs, now } = parts;
  const url = new URL(target.apiUrl);
  const isTls = url.protocol === 'https:';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = Number(url.port || (isTls ? 443 : 80));

  const address = await examineAddress(host, port, timeoutMs);
  tell(address);
  if (address.level === 'failure') return skipRest(AFTER_ADDRESS, 'nothing can be reached there', tell);

  const certificate = isTls
    ? await examineCertificate(host, port, timeoutMs, now())
    : await withoutTls(host, port, timeoutMs);
  tell(certificate);
  const hasNoTls =
    certificate.id === 'tls-not-spoken' || certificate.id === 'tls-fails' || certificate.id === 'tls-spoken';
  if (hasNoTls) return skipRest(AFTER_ADDRESS.slice(1), 'there is no connection to ask by', tell);

  const visit = new Visit(parts);
  await visit.examine(tell);
  return visit.proxy;
}

function skipRest(checks: readonly CheckName[], why: string, tell: (finding: Finding) => void): undefined {
  for (const check of checks) tell(skipped(check, why));
}

function examineAddress(host: string, port: number, timeoutMs: number): Promise<Finding> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const finish = (finding: Finding): void => {
      socket.destroy();
      resolve(finding);
    };
    const place = `${host}, port ${port}`;
    socket.setTimeout(timeoutMs, () =>
      finish(failure('address', 'address-silent', `${place}: no answer within ${timeoutMs / 1000} s`)),
    );
    socket.once('connect', () => finish(ok('address', `${place} (${socket.remoteAddress ?? ''}) takes connections`)));
    socket.once('error', (error) => {
      const isName = ['ENOTFOUND', 'EAI_AGAIN'].includes(networkCode(error));
      const isSilent = networkCode(error) === 'ETIMEDOUT';
      const id = isName ? 'host-unknown' : isSilent ? 'address-silent' : 'nothing-listens';
      finish(failure('address', id, `${place}: ${explainNetwork(error)}`));
    });
  });
}

async function withoutTls(host: string, port: number, timeoutMs: number): Promise<Finding> {
  if (await speaksTls(host, port, timeoutMs)) {
    return failure('certificate', 'tls-spoken', 'it speaks TLS, and the address begins with http://');
  }
  return skipped('certificate', 'not used: the address begins with http://');
}

/** A visit to a server that can be reached. A certificate that was found wanting is taken, to see what is behind it. */
class Visit {
  /** Value of the header `Server` of what was answered. */
  proxy: string | undefined;
  readonly #target: Target;
  readonly #timeoutMs: number;
  readonly #now: () => number;
  readonly #app: AppCredentials | undefined;
  /** Milliseconds that the server's clock is ahead. */
  #aheadMs = 0;

  constructor({ target, timeoutMs, now }: RemoteParts) {
    this.#target = target;
    this.#timeoutMs = timeoutMs;
    this.#now = now;
    const { id, key, secret } = target.app;
    if (id !== undefined && key !== undefined && secret !== undefined) this.#app = { id, key, secret };
  }

  async examine(tell: (finding: Finding) => void): Promise<void> {
    const frames = new Frames();
    const socket = this.#connect(frames);
    const [symptomOfSocket, answer] = await Promise.all([this.#openSocket(socket), this.#askApi()]);
    const symptomOfApi = answer && (await this.#tellApi(answer, symptomOfSocket, tell));
    if (answer === undefined) for (const check of ['HTTP API', 'clock'] as const) tell(skipped(check, NO_SECRET));
    tell(this.#judgeSocket(symptomOfSocket, symptomOfApi, answer !== undefined));
    const works = symptomOfApi === undefined && symptomOfSocket === undefined;
    if (this.#app === undefined) tell(skipped('delivery', NO_SECRET));
    else if (!works || socket === undefined) tell(skipped('delivery', 'HTTP API and WebSocket must work first'));
    else tell(await examineDelivery(socket, frames, this.#api(this.#app), this.#app, this.#timeoutMs));
    socket?.close();
  }

  #connect(frames: Frames): PusherSocket | undefined {
    const { key } = this.#target.app;
    if (key === undefined) return undefined;
    const [url, timeoutMs] = [this.#target.socketUrl, this.#timeoutMs];
    return new PusherSocket({ url, key, timeoutMs, trustsAll: true, onFrame: (frame) => frames.add(frame) });
  }

  async #openSocket(socket: PusherSocket | undefined): Promise<Symptom | undefined> {
    const end = await Promise.race([socket?.established.then(() => undefined), socket?.ended]);
    if (end?.kind === 'answered') this.#note(end.headers);
    return end && readSocketEnd(end);
  }

  #api(app: AppCredentials): PusherApi {
    return new PusherApi(this.#target.apiUrl, app, () => this.#now() + this.#aheadMs, true);
  }

  /** Undefined: there is nothing to sign with. */
  async #askApi(): Promise<HttpAnswer | Error | undefined> {
    if (this.#app === undefined) return undefined;
    try {
      const answer = await this.#api(this.#app).ask({ method: 'GET', path: '/channels' });
      this.#note(answer.headers);
      return answer;
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  #note(headers: Readonly<Record<string, string>>): void {
    this.proxy ??= headers.server;
  }

  /** Tells of the HTTP API and of the clock, by which its requests are signed. */
  async #tellApi(
    first: HttpAnswer | Error,
    socket: Symptom | undefined,
    tell: (finding: Finding) => void,
  ): Promise<Symptom | undefined> {
    const clock = first instanceof Error ? skipped('clock', 'the HTTP API must answer first') : this.#judgeClock(first);
    // With the clock of the server, so that what else is wrong is seen, too.
    const answer = clock.level === 'failure' ? ((await this.#askApi()) ?? first) : first;
    const symptom = answer instanceof Error ? unanswered(answer) : readApiAnswer(answer);
    if (symptom === undefined) tell(ok('HTTP API', `${this.#target.apiUrl}/apps/ takes signed requests`));
    else if (
      !symptom.isOfBroker &&
      socket === undefined &&
      symptom.id === 'not-a-broker' &&
      this.#target.app.key !== undefined
    ) {
      tell(failure('HTTP API', 'apps-not-forwarded', symptom.found));
    } else tell(failure('HTTP API', symptom.id, symptom.found));
    tell(clock);
    return symptom;
  }

  #judgeClock(answer: HttpAnswer): Finding {
    const { headers, text } = answer;
    const told = /server time \(([^)]+)\)/.exec(text)?.[1] ?? headers.date;
    const serverMs = Date.parse(told ?? '');
    if (Number.isNaN(serverMs)) return skipped('clock', 'the server does not tell its time');
    const aheadMs = serverMs - this.#now();
    const seconds = Math.round(Math.abs(aheadMs) / 1000);
    const found = `the server is ${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'} this machine`;
    if (seconds >= CLOCK_LIMIT_SECONDS || readApiAnswer(answer)?.id === 'clock-off') {
      this.#aheadMs = aheadMs;
      return failure('clock', 'clock-off', found);
    }
    return seconds >= CLOCK_NOTE_SECONDS ? warning('clock', 'clock-differs', found) : ok('clock', 'the same as here');
  }

  #judgeSocket(symptom: Symptom | undefined, api: Symptom | undefined, wasAsked: boolean): Finding {
    const { key } = this.#target.app;
    if (key === undefined)
      return skipped('WebSocket', 'the key of the app is not known: set PUSHER_APP_KEY, or add --key');
    if (symptom === undefined) return ok('WebSocket', `${this.#target.socketUrl}/app/${key} opens`);
    const apiIsThere = wasAsked && (api === undefined || api.isOfBroker);
    if (!symptom.isOfBroker && apiIsThere && symptom.id === 'not-a-broker') {
      return failure('WebSocket', 'websocket-not-forwarded', symptom.found);
    }
    if (api?.id === symptom.id || (api && !api.isOfBroker && !symptom.isOfBroker)) {
      return skipped('WebSocket', `the HTTP API must work first: ${symptom.found}`);
    }
    return failure('WebSocket', symptom.id, symptom.found);
  }
}

function unanswered(error: Error): Symptom {
  const isHttp = networkCode(error).startsWith('HPE_');
  return {
    id: isHttp ? 'not-a-broker' : 'request-refused',
    found: `there is no answer: ${explainNetwork(error)}`,
    isOfBroker: false,
  };
}
