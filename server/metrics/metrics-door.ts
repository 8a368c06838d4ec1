import type { IncomingMessage, ServerResponse } from 'node:http';
import { isLoopback } from '../client-address.ts';
import type { Logger } from '../log.ts';
import type { MetricsPage } from './metrics-page.ts';
import { TEXT_FORMAT } from './text-format.ts';

export const METRICS_PATH = '/metrics';

const ELSEWHERE = `Only ${METRICS_PATH} is served at this address (metrics.host). The admin API is at admin.host\n`;

export interface MetricsDoorParts {
  readonly page: MetricsPage;
  /** `metrics.host` */
  readonly host: string;
  /** Numeric address at which the admin API is; undefined: it is not at this port. */
  readonly adminHost: string | undefined;
  readonly log: Logger;
}

/** Answers what comes to `metrics.host`: with the metrics, for which no token is needed there, and with nothing else. */
export class MetricsDoor {
  readonly #parts: MetricsDoorParts;

  constructor(parts: MetricsDoorParts) {
    this.#parts = parts;
  }

  /**
   * Answers a request, unless it is one for the admin API, at an address where that is.
   *
   * @returns whether it is, or will be, answered
   */
  takes(request: IncomingMessage, response: ServerResponse): boolean {
    const { host, adminHost } = this.#parts;
    const [path] = (request.url ?? '').split('?');
    // The address that the client connected to. The system lets nobody from outside connect to one of loopback.
    const address = plainAddress(request.socket.localAddress ?? '');
    if (path === METRICS_PATH && isAt(host, address)) {
      if (request.method === 'GET' || request.method === 'HEAD') void this.#answer(response);
      else answer(response, 405, 'Use GET\n', { Allow: 'GET, HEAD' });
      return true;
    }
    if (adminHost !== undefined && isAt(adminHost, address)) return false;
    answer(response, 404, ELSEWHERE);
    return true;
  }

  async #answer(response: ServerResponse): Promise<void> {
    try {
      answer(response, 200, await this.#parts.page.text(), { 'Content-Type': TEXT_FORMAT });
    } catch (error) {
      this.#parts.log.warn({ err: error }, 'metrics can not be read');
      answer(response, 503, 'Not possible right now: see the log of the server\n');
    }
  }
}

function answer(
  response: ServerResponse,
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    'Content-Length': Buffer.byteLength(body),
    ...headers,
  });
  response.end(body);
}

/** IPv4 on a socket of IPv6. */
function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '');
}

/** Whether who listens on a host is reached at an address. */
function isAt(host: string, address: string): boolean {
  return covers(host, address) || host === address || (isLoopback(host) && isLoopback(address));
}

/** Whether listening on one host is listening on an address of another, which then can't be listened on by itself. */
export function covers(host: string, address: string): boolean {
  return host === '::' || (host === '0.0.0.0' && !address.includes(':'));
}
