import Pusher from 'pusher';

/** Between two attempts to reach the broker, in milliseconds: doubled up to the second number. */
const RETRY_MS = [250, 1000];

/** The application's side of the broker: the official SDK, which says so when the broker is away and goes on when it is back. */
export class Publisher {
  #sdk;
  /** Whether it could not be reached last time. */
  isAway = false;
  #retryMs = RETRY_MS[0];
  #notBefore = 0;

  constructor({ appId, key, secret, encryptionMasterKeyBase64 }) {
    const { BROKER_HOST: host = '127.0.0.1', BROKER_PORT: port = '6001', BROKER_SCHEME = 'http' } = process.env;
    this.#sdk = new Pusher({
      appId,
      key,
      secret,
      host,
      port,
      useTLS: BROKER_SCHEME === 'https',
      encryptionMasterKeyBase64,
    });
    this.address = `${host}:${port}`;
  }

  /** @returns whether it was published; what can't be is dropped, as the next one knows better */
  trigger(channel, event, data) {
    return this.#attempt(() => this.#sdk.trigger(channel, event, data));
  }

  /** @param {{ channel: string, name: string, data: unknown }[]} events - ten at most */
  triggerBatch(events) {
    return this.#attempt(() => this.#sdk.triggerBatch(events));
  }

  async #attempt(request) {
    if (Date.now() < this.#notBefore) return false;
    try {
      await request();
      if (this.isAway) process.stdout.write(`The broker at ${this.address} is back.\n`);
      this.isAway = false;
      this.#retryMs = RETRY_MS[0];
      return true;
    } catch (error) {
      if (!this.isAway) process.stdout.write(`${this.#problemOf(error)}: trying again.\n`);
      this.isAway = true;
      this.#notBefore = Date.now() + this.#retryMs;
      this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MS[1]);
      return false;
    }
  }

  #problemOf({ status, body, error, message }) {
    if (status) return `The broker at ${this.address} answered ${status}: ${String(body).trim()}`;
    // The whole message has the signed URL in it.
    return `The broker at ${this.address} can't be reached (${error?.code ?? error?.message ?? message})`;
  }
}

/** Runs something again and again, one run after the other; a slow run delays the next instead of doubling it. */
export function every(intervalMs, run) {
  const turn = async () => {
    const startedMs = Date.now();
    await run();
    setTimeout(turn, Math.max(0, intervalMs - (Date.now() - startedMs)));
  };
  void turn();
}
