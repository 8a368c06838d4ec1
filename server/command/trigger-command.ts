import { text as readText } from 'node:stream/consumers';
import { channelKindOf } from '../../protocol/channel-name.ts';
import { channelKey, encryptPayload } from '../client/encrypted-payload.ts';
import { masterKeyOf } from '../client/target.ts';
import { foreign } from '../log.ts';
import type { TriggerFlags } from './client-flags.ts';
import { CommandApi, type CommandContext, explained, targetOf } from './client-target.ts';
import { print, UsageError } from './exit.ts';

/** `kulkul trigger`. */
export async function triggerCommand(
  channel: string,
  name: string,
  data: string | undefined,
  flags: TriggerFlags,
  context: CommandContext,
): Promise<void> {
  const target = targetOf(flags, context);
  const api = new CommandApi(target);
  const masterKey = explained(() => masterKeyOf(flags.encryptionKey)) ?? target.app.masterKey;
  const payload = data === '-' ? (await readText(process.stdin)).replace(/\r?\n$/, '') : (data ?? '{}');
  const body = JSON.stringify({
    name,
    channel,
    data: channelKindOf(channel).isEncrypted ? encrypted(masterKey, channel, payload) : payload,
    ...(flags.socketId !== undefined && { socket_id: flags.socketId }),
    ...(flags.info !== undefined && { info: flags.info }),
  });
  const { text } = await api.ask({ method: 'POST', path: '/events', body });
  if (flags.json) print(`${text.trim()}\n`);
  else
    print(
      `Sent ${name} to ${channel} (${api.place}).\n${flags.info === undefined ? '' : `${foreign(text.trim(), MAX_TEXT)}\n`}`,
    );
}

const MAX_TEXT = 10_000;

function encrypted(masterKey: Uint8Array | undefined, channel: string, payload: string): string {
  if (masterKey !== undefined) return encryptPayload(channelKey(masterKey, channel), payload);
  throw new UsageError(`${channel} is encrypted: add --encryption-key with the key that your backend has`);
}
