import type { JsonObject } from '../../protocol/json.ts';
import type { LoadedConfig } from '../config/index.ts';
import { type AdminAccess, AdminClient } from './admin-client.ts';
import { accessOf, onlyApp } from './admin-command.ts';
import { EXIT_FAILURE, print, runCommand, UsageError } from './exit.ts';
import type { WebhooksAction, WebhooksFlags } from './webhooks-flags.ts';
import {
  events,
  lettersText,
  type ShownLetter,
  type ShownTest,
  type ShownWebhook,
  testText,
  webhooksText,
} from './webhooks-text.ts';

/**
 * Carries out `kulkul webhooks …` and prints what came of it.
 *
 * @param load - the configuration; not called where the flags say all
 */
export async function webhooksCommand(
  action: WebhooksAction,
  letters: readonly string[],
  flags: WebhooksFlags,
  load: () => LoadedConfig,
): Promise<void> {
  await runCommand(async () => {
    const command = new WebhooksCommand(accessOf(flags, load), flags);
    await command.run(action, letters);
  });
}

class WebhooksCommand {
  readonly #api: AdminClient;
  readonly #flags: WebhooksFlags;

  constructor(access: AdminAccess, flags: WebhooksFlags) {
    this.#api = new AdminClient(access);
    this.#flags = flags;
  }

  async run(action: WebhooksAction, letters: readonly string[]): Promise<void> {
    const { all = false, limit = 100, channel } = this.#flags;
    if ((action === 'replay' || action === 'discard') && letters.length > 0 === all) {
      throw new UsageError(`which dead letters are meant? kulkul webhooks ${action} takes their ids, or --all`);
    }
    const appId = this.#flags.app ?? (await onlyApp(this.#api));
    const path = `/apps/${encodeURIComponent(appId)}`;
    const listed = await this.#api.call('GET', `${path}/webhooks`);
    const webhooks = listed.webhooks as readonly ShownWebhook[];
    if (action === 'list') {
      this.#print(listed, () => webhooksText(appId, webhooks, Date.now()));
      return;
    }
    const webhook = this.#chosen(appId, webhooks);
    const lettersPath = `${path}/dead-letters/${encodeURIComponent(webhook.id)}`;
    switch (action) {
      case 'dead-letters': {
        const answer = await this.#api.call('GET', `${lettersPath}?limit=${limit}`);
        const shown = answer.deadLetters as readonly ShownLetter[];
        this.#print(answer, () => lettersText(webhook, Number(answer.total), shown));
        return;
      }
      case 'show':
        print(
          `${JSON.stringify(await this.#api.call('GET', `${lettersPath}/${encodeURIComponent(letters[0] ?? '')}`), null, 2)}\n`,
        );
        return;
      case 'replay': {
        const replayed = await this.#each('POST', lettersPath, letters, 'replayed');
        this.#print({ replayed }, () => `Sent again: ${events(replayed)}.\n`);
        return;
      }
      case 'discard': {
        const discarded = await this.#each('DELETE', lettersPath, letters, 'discarded');
        this.#print({ discarded }, () => `Discarded: ${events(discarded)}.\n`);
        return;
      }
      case 'test': {
        const body = { webhook: webhook.id, ...(channel !== undefined && { channel }) };
        const answer = await this.#api.call('POST', `${path}/webhooks/test`, body);
        this.#print(answer, () => testText(answer as unknown as ShownTest));
        if (answer.accepted !== true) process.exit(EXIT_FAILURE);
      }
    }
  }

  /** Does it for some dead letters, or all. */
  async #each(method: 'POST' | 'DELETE', path: string, letters: readonly string[], count: string): Promise<number> {
    const paths = letters.length === 0 ? [path] : letters.map((letter) => `${path}/${encodeURIComponent(letter)}`);
    let done = 0;
    for (const each of paths) done += Number((await this.#api.call(method, each))[count]);
    return done;
  }

  #chosen(appId: string, webhooks: readonly ShownWebhook[]): ShownWebhook {
    const wanted = this.#flags.webhook;
    const fitting = webhooks.filter(({ id }) => wanted === undefined || id.startsWith(wanted));
    const chosen = fitting.find(({ id }) => id === wanted) ?? (fitting.length === 1 ? fitting[0] : undefined);
    if (chosen) return chosen;
    if (webhooks.length === 0) throw new UsageError(`the app ${appId} has no webhooks`);
    const ids = webhooks.map(({ id, url }) => `\n  ${id}  ${url}`).join('');
    const question =
      fitting.length === 0 ? 'there is no such webhook' : 'which webhook is meant? Add --webhook with an id';
    throw new UsageError(`${question}. The app ${appId} has:${ids}`);
  }

  #print(answer: JsonObject, text: () => string): void {
    print(this.#flags.json ? `${JSON.stringify(answer, null, 2)}\n` : text());
  }
}
