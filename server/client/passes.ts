import { signChannelAuth } from '../../auth/client-signature.ts';
import { channelKindOf } from '../../protocol/channel-name.ts';
import { isJsonObject, parseJson } from '../../protocol/json.ts';
import { channelKey } from './encrypted-payload.ts';
import { exchange } from './http-exchange.ts';
import { type KnownApp, TargetError } from './target.ts';

export interface PassesParts {
  /** Where the auth endpoint of Kulkul is. */
  readonly apiUrl: string;
  readonly app: KnownApp & { readonly key: string };
  /** A JSON Web Token, in place of the secret. */
  readonly token: string | undefined;
  /** Who one is on presence channels, with the secret. */
  readonly userId: string;
}

/** The data of `pusher:subscribe`. */
export interface Pass {
  readonly channel: string;
  readonly auth?: string;
  readonly channel_data?: string;
}

const ANSWER_MS = 10_000;

/** What lets a connection into channels that are not open to all. */
export class Passes {
  readonly #parts: PassesParts;
  /** Keys of encrypted channels that an auth endpoint told. */
  readonly #keys = new Map<string, Uint8Array>();

  constructor(parts: PassesParts) {
    this.#parts = parts;
  }

  /** @throws {TargetError} there is nothing that lets one in */
  check(channel: string): void {
    const { isPrivate, isPresence, isUser } = channelKindOf(channel);
    if (isUser)
      throw new TargetError(`${channel} is for connections that are signed in as the user: listen with an application`);
    const { app, token } = this.#parts;
    if ((isPrivate || isPresence) && token === undefined && app.secret === undefined) {
      const kind = isPresence ? 'a presence' : 'a private';
      throw new TargetError(`${channel} is ${kind} channel: set PUSHER_APP_SECRET, or add --secret or --token`);
    }
  }

  /**
   * What to subscribe with. Rejects where an auth endpoint refuses, or can't be asked.
   *
   * @see Pusher, "Authorizing users"
   */
  async of(channel: string, socketId: string): Promise<Pass> {
    const { app, token, userId } = this.#parts;
    const { isPrivate, isPresence, isEncrypted } = channelKindOf(channel);
    // The key of the channel is told by an auth endpoint only.
    if (token !== undefined && isEncrypted && app.masterKey === undefined) return this.#asked(channel, socketId, token);
    if (token !== undefined) return { channel, auth: token };
    if (app.secret === undefined || !(isPrivate || isPresence)) return { channel };
    const pair = { key: app.key, secret: app.secret };
    if (!isPresence) return { channel, auth: signChannelAuth(pair, socketId, channel) };
    const data = JSON.stringify({ user_id: userId });
    return { channel, auth: signChannelAuth(pair, socketId, channel, data), channel_data: data };
  }

  /** The key of an encrypted channel; undefined where it is not known, and of others. */
  keyOf(channel: string): Uint8Array | undefined {
    if (!channelKindOf(channel).isEncrypted) return undefined;
    const { masterKey } = this.#parts.app;
    return masterKey === undefined ? this.#keys.get(channel) : channelKey(masterKey, channel);
  }

  async #asked(channel: string, socketId: string, token: string): Promise<Pass> {
    const { status, text } = await exchange({
      url: `${this.#parts.apiUrl}/broadcasting/auth`,
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
      body: JSON.stringify({ socket_id: socketId, channel_name: channel, app_key: this.#parts.app.key }),
      timeoutMs: ANSWER_MS,
    });
    const pass = parseJson(text);
    if (status !== 200 || !isJsonObject(pass))
      throw new Error(`the auth endpoint answered ${status}: ${text.slice(0, 300)}`);
    const { auth, channel_data: data, shared_secret: secret } = pass;
    if (typeof secret === 'string') this.#keys.set(channel, Buffer.from(secret, 'base64'));
    return {
      channel,
      ...(typeof auth === 'string' && { auth }),
      ...(typeof data === 'string' && { channel_data: data }),
    };
  }
}
