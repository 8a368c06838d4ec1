import { type Tracer, within } from '../../channels/tracer.ts';
import type { Sender, WebhookAnswer, WebhookRequest } from '../webhooks/sender.ts';

/** Has each request to a webhook be a step of the trace of its first event that has one, and tells the receiver of it. */
export class TracedSender implements Sender {
  readonly #sender: Sender;
  readonly #tracer: Tracer;

  constructor(sender: Sender, tracer: Tracer) {
    this.#sender = sender;
    this.#tracer = tracer;
  }

  async send(request: WebhookRequest): Promise<WebhookAnswer> {
    const { hostname, port, protocol } = new URL(request.url);
    const [parent, ...links] = request.traces;
    const span = this.#tracer.start('webhook', {
      kind: 'client',
      parent,
      links,
      attributes: {
        'http.request.method': 'POST',
        // The rest of the address may hold secrets.
        'server.address': hostname,
        'server.port': Number(port) || (protocol === 'https:' ? 443 : 80),
      },
    });
    if (!span) return this.#sender.send(request);
    return within(span, async () => {
      const { traceparent } = span;
      const answer = await this.#sender.send({ ...request, headers: { ...request.headers, traceparent } });
      span.set({ 'http.response.status_code': answer.status });
      if (answer.status < 200 || answer.status > 299) span.fail(new Error(`it answered ${answer.status}`));
      return answer;
    });
  }

  close(): Promise<void> {
    return this.#sender.close();
  }
}
