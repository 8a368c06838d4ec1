import { type DeadLetter, type DeadLetterBounds, STATE_MS, type WebhookState } from '../../channels/outbox.ts';
import { parseJson } from '../../protocol/json.ts';
import { batchesOf } from '../batches.ts';
import type { RedisKeys } from './keys.ts';
import type { RedisLink } from './redis-link.ts';

/** Letters that one command writes. */
const CHUNK = 100;

/** What operators want to know of webhooks: dead letters and states. In the slot of the app. */
export class DeadLetters {
  readonly #link: RedisLink;
  readonly #keys: RedisKeys;
  readonly #workerId: string;

  constructor(link: RedisLink, keys: RedisKeys, workerId: string) {
    this.#link = link;
    this.#keys = keys;
    this.#workerId = workerId;
  }

  async bury(letters: readonly DeadLetter[], { max, maxAgeMs }: DeadLetterBounds): Promise<void> {
    for (const own of byWebhook(letters)) {
      const [{ appId, webhookId }] = own;
      const keys = [...this.#keysOf(appId, webhookId), this.#keys.letterWebhooks(appId)];
      for (const batch of batchesOf(own, CHUNK)) {
        const texts = batch.flatMap((letter) => [letter.id, letter.buriedMs, JSON.stringify(letter)]);
        await this.#link.commands.run('bury', keys, [webhookId, max, maxAgeMs, ...texts]);
      }
    }
  }

  async all(appId: string, webhookId: string): Promise<readonly DeadLetter[]> {
    const [letters, order] = this.#keysOf(appId, webhookId);
    const ids = await this.#link.commands.do((client) => client.zrange(order, '0', '-1'));
    if (ids.length === 0) return [];
    return parseAll<DeadLetter>(await this.#link.commands.do((client) => client.hmget(letters, ...ids)));
  }

  async counts(appId: string): Promise<ReadonlyMap<string, number>> {
    const webhookIds = await this.#link.commands.do((client) => client.smembers(this.#keys.letterWebhooks(appId)));
    const counts = await this.#link.commands.do((client) =>
      Promise.all(webhookIds.map((webhookId) => client.zcard(this.#keys.letterOrder(appId, webhookId)))),
    );
    const known = webhookIds.map((webhookId, index) => [webhookId, counts[index] ?? 0] as const);
    return new Map(known.filter(([, count]) => count > 0));
  }

  async exhume(appId: string, webhookId: string, ids: readonly string[] | undefined): Promise<readonly DeadLetter[]> {
    if (ids?.length === 0) return [];
    const found = await this.#link.commands.run('exhume', this.#keysOf(appId, webhookId), ids ?? []);
    return parseAll<DeadLetter>(found as string[]);
  }

  async report(states: readonly WebhookState[]): Promise<void> {
    const byApp = new Map<string, string[]>();
    for (const state of states) {
      const texts = byApp.get(state.appId) ?? [];
      byApp.set(state.appId, texts);
      texts.push(`${state.webhookId}/${this.#workerId}`, JSON.stringify(state));
    }
    await Promise.all(
      Array.from(byApp, ([appId, texts]) =>
        this.#link.commands.run('reportStates', [this.#keys.webhookStates(appId)], [STATE_MS, ...texts]),
      ),
    );
  }

  async states(appId: string): Promise<readonly WebhookState[]> {
    const states = await this.#link.commands.run('readStates', [this.#keys.webhookStates(appId)], [STATE_MS]);
    return parseAll<WebhookState>(states as string[]);
  }

  #keysOf(appId: string, webhookId: string): [letters: string, order: string] {
    return [this.#keys.letters(appId, webhookId), this.#keys.letterOrder(appId, webhookId)];
  }
}

function byWebhook(letters: readonly DeadLetter[]): Iterable<[DeadLetter, ...DeadLetter[]]> {
  const all = new Map<string, [DeadLetter, ...DeadLetter[]]>();
  for (const letter of letters) {
    const key = JSON.stringify([letter.appId, letter.webhookId]);
    const own = all.get(key);
    if (own) own.push(letter);
    else all.set(key, [letter]);
  }
  return all.values();
}

/** Only this version of Kulkul writes there, as the layout says. */
function parseAll<T>(texts: readonly (string | null)[]): T[] {
  return texts.flatMap((text) => (text === null ? [] : ((parseJson(text) as T | undefined) ?? [])));
}
