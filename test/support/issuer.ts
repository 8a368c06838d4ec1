import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { KeyPair } from './tokens.ts';

export type Reply = (request: IncomingMessage, response: ServerResponse) => unknown;

/** Somebody who publishes keys over HTTP, and counts who asks. To be stopped in `afterEach`. */
export class Issuer {
  /** Paths that were asked for. */
  readonly asked: string[] = [];
  reply: Reply = publishes();
  readonly server = createServer((request, response) => {
    this.asked.push(request.url ?? '');
    this.reply(request, response);
  });
  #port = 0;

  get url(): string {
    return `http://127.0.0.1:${this.#port}/jwks.json`;
  }

  /** On any free port, or again on the one it had. */
  async start(): Promise<void> {
    this.server.listen(this.#port, '127.0.0.1');
    await once(this.server, 'listening');
    this.#port = (this.server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    if (!this.server.listening) return;
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}

/** A public key as it is published (RFC 7517). */
export function jwk(kid: string | undefined, { publicKey }: Pick<KeyPair, 'publicKey'>, fields: object = {}): object {
  return { ...publicKey.export({ format: 'jwk' }), ...(kid !== undefined && { kid }), use: 'sig', ...fields };
}

/** The issuer answers with these keys. */
export function publishes(...keys: object[]): Reply {
  return answers(JSON.stringify({ keys }));
}

export function answers(text: string, status = 200, headers: Readonly<Record<string, string>> = {}): Reply {
  return (_, response) => response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text);
}

/** Writes until nobody reads any more. */
export function writesWithoutEnd(): Reply {
  return (_, response) => {
    response.writeHead(200);
    const more = (): void => {
      while (!response.destroyed && response.write('x'.repeat(10_000)));
    };
    response.on('drain', more);
    more();
  };
}
