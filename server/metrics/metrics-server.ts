import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { MetricsDoor } from './metrics-door.ts';

/** For a request to arrive in whole, in milliseconds: it has no body. */
const REQUEST_MS = 5000;
const LATE_CHECK_MS = 500;
/** More than the pause between two scrapes. */
const KEEP_ALIVE_MS = 72_000;
/** Prometheus needs one; whoever else reaches this must not use up the memory. */
const MAX_CONNECTIONS = 64;

/** An HTTP server with the metrics alone. */
export class MetricsServer {
  readonly #http: Server;

  constructor(door: MetricsDoor) {
    const times = {
      requestTimeout: REQUEST_MS,
      headersTimeout: REQUEST_MS,
      connectionsCheckingInterval: LATE_CHECK_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
    };
    this.#http = createServer(times, (request, response) => {
      door.takes(request, response);
    });
    this.#http.maxConnections = MAX_CONNECTIONS;
  }

  /** @returns the port. Rejects with the error of the system when the address can't be had. */
  async listen(host: string, port: number): Promise<number> {
    this.#http.listen(port, host);
    await once(this.#http, 'listening');
    return (this.#http.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const closed = once(this.#http, 'close');
    this.#http.close();
    this.#http.closeAllConnections();
    await closed;
  }
}
