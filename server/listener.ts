import { claimPort, explainListenFailure, ListenError } from './claim-port.ts';
import type { Logger } from './log.ts';
import { loadTls, TlsError, type TlsFiles, type TlsSettings, tlsFingerprint } from './tls.ts';
import {
  closeListenSocket,
  createApp,
  createTlsApp,
  type ListenSocket,
  listenOn,
  localPort,
  SHARED_PORT,
  type TemplatedApp,
} from './uws.ts';

/** How often the certificate files are checked, in milliseconds. */
const TLS_CHECK_INTERVAL_MS = 2000;

/** A uWS app with its listening socket. A new certificate needs a new one; connections of the old one stay. */
interface Generation {
  readonly app: TemplatedApp;
  readonly socket: ListenSocket;
}

export interface ListenerParts {
  readonly host: string;
  readonly port: number;
  /** Others of this program listen on the port, or will: it is not claimed for this one alone. */
  readonly isShared: boolean;
  /** Undefined for plain HTTP. */
  readonly ssl: TlsSettings | undefined;
  readonly log: Logger;
  /** Puts routes on a new uWS app. */
  readonly attach: (app: TemplatedApp, isTls: boolean) => void;
}

/** Listens on the port, with TLS if files are configured, and reloads the files when they change. */
export class Listener {
  readonly #parts: ListenerParts;
  readonly #apps: TemplatedApp[] = [];
  #current: Generation | undefined;
  #port: number;
  #tlsTimer: NodeJS.Timeout | undefined;
  #fingerprint = '';
  #certificateExpires: Date | undefined;

  constructor(parts: ListenerParts) {
    this.#parts = parts;
    this.#port = parts.port;
  }

  /** The port that it really listens on. */
  get port(): number {
    return this.#port;
  }

  /** End of the certificate that is served; undefined: none is. */
  get certificateExpires(): Date | undefined {
    return this.#certificateExpires;
  }

  /** @throws {ListenError | TlsError} */
  async listen(): Promise<void> {
    const { host, port, isShared, ssl, log } = this.#parts;
    const address = { host, port, isTls: ssl !== undefined };
    // Certificates are replaced on a shared port. Another program on the port must be detected first, not shared with.
    if (port !== 0 && !isShared) await claimPort(address, log);
    this.#current = this.#open();
    if (!this.#current) throw new ListenError(await explainListenFailure(address));
    this.#port = localPort(this.#current.socket);
    if (ssl) {
      this.#tlsTimer = setInterval(() => this.#reloadTls(ssl), TLS_CHECK_INTERVAL_MS);
      this.#tlsTimer.unref();
    }
  }

  /** New connections are refused by the machine; open ones stay. */
  stopAccepting(): void {
    clearInterval(this.#tlsTimer);
    if (this.#current) closeListenSocket(this.#current.socket);
    this.#current = undefined;
  }

  /** Ends everything at once. */
  close(): void {
    this.stopAccepting();
    for (const app of this.#apps) app.close();
    this.#apps.length = 0;
  }

  #open(): Generation | undefined {
    const { host, ssl } = this.#parts;
    const tls = ssl && loadTls(ssl, new Date());
    const app = tls ? tls.create(createTlsApp) : createApp();
    const socket = listenOn(app, host, this.#port, SHARED_PORT);
    if (!socket) return undefined;
    this.#parts.attach(app, tls !== undefined);
    this.#apps.push(app);
    if (tls) this.#noteTls(tls);
    return { app, socket };
  }

  #noteTls({ subject, expires, fingerprint }: TlsFiles): void {
    this.#fingerprint = fingerprint;
    this.#certificateExpires = expires;
    const { log, ssl } = this.#parts;
    log.info({ certPath: ssl?.certPath, subject, expires: expires.toISOString() }, 'TLS is on');
  }

  #reloadTls(ssl: TlsSettings): void {
    const fingerprint = tlsFingerprint(ssl);
    if (fingerprint === '' || fingerprint === this.#fingerprint) return;
    this.#fingerprint = fingerprint;
    const { log } = this.#parts;
    try {
      const former = this.#current;
      const next = this.#open();
      if (!next) throw new TlsError('Cannot listen on the port any more');
      this.#current = next;
      if (former) closeListenSocket(former.socket);
      log.info({ certPath: ssl.certPath }, 'TLS certificate reloaded: new connections get it, open ones stay');
    } catch (error) {
      log.error(
        { err: error, certPath: ssl.certPath },
        'TLS files changed but can not be used: the old certificate stays',
      );
    }
  }
}
