import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { Code } from '../parts/code.tsx';
import { Check, Field } from '../parts/field.tsx';

interface BlocksProps {
  readonly id: string;
  readonly appKey: string;
  /** As it is shown once, to who made the key. */
  readonly secret?: string | undefined;
}

/** Where clients reach the broker: the admin port does not know what is in front of it. */
interface ClientAddress {
  readonly host: string;
  readonly port: string;
  readonly isTls: boolean;
}

const KEPT = 'kulkul-client-address';

/** Lines to copy into an application that uses an app. */
export function ConnectBlocks({ id, appKey, secret }: BlocksProps): JSX.Element {
  const [address, setAddress] = useState<ClientAddress>(remembered);
  const change = (part: Partial<ClientAddress>): void => {
    const next = { ...address, ...part };
    setAddress(next);
    localStorage.setItem(KEPT, JSON.stringify(next));
  };
  return (
    <div class="stack">
      <div class="bar">
        <Field label="Host of the clients">
          {(input) => (
            <input
              {...input}
              class="input"
              spellcheck={false}
              value={address.host}
              onInput={({ currentTarget }) => change({ host: currentTarget.value.trim() })}
            />
          )}
        </Field>
        <Field label="Port">
          {(input) => (
            <input
              {...input}
              class="input"
              inputMode="numeric"
              value={address.port}
              onInput={({ currentTarget }) => change({ port: currentTarget.value.trim() })}
            />
          )}
        </Field>
        <Check label="TLS" isChecked={address.isTls} onChange={(isTls) => change({ isTls })} />
      </div>
      <div class="columns">
        <Code title="Laravel .env" text={laravelLines(id, appKey, secret, address)} />
        <Code title="Laravel Echo" text={echoLines(appKey, address)} />
      </div>
      <Code title="pusher-js" text={pusherLines(appKey, address)} />
    </div>
  );
}

function remembered(): ClientAddress {
  const usual = { host: location.hostname, port: '6001', isTls: location.protocol === 'https:' };
  try {
    return { ...usual, ...(JSON.parse(localStorage.getItem(KEPT) ?? '{}') as Partial<ClientAddress>) };
  } catch {
    return usual;
  }
}

function laravelLines(
  id: string,
  key: string,
  secret: string | undefined,
  { host, port, isTls }: ClientAddress,
): string {
  return [
    'BROADCAST_CONNECTION=pusher',
    `PUSHER_APP_ID=${id}`,
    `PUSHER_APP_KEY=${key}`,
    `PUSHER_APP_SECRET=${secret ?? '"(the secret of this key)"'}`,
    `PUSHER_HOST=${host}`,
    `PUSHER_PORT=${port}`,
    `PUSHER_SCHEME=${isTls ? 'https' : 'http'}`,
    'PUSHER_APP_CLUSTER=mt1',
  ].join('\n');
}

function clientOptions({ host, port, isTls }: ClientAddress): string[] {
  return [
    "  cluster: 'mt1',",
    `  wsHost: '${host}',`,
    `  wsPort: ${port},`,
    `  wssPort: ${port},`,
    `  forceTLS: ${isTls},`,
    "  enabledTransports: ['ws', 'wss'],",
    '});',
  ];
}

function echoLines(key: string, address: ClientAddress): string {
  return [
    "import Echo from 'laravel-echo';",
    "import Pusher from 'pusher-js';",
    'window.Pusher = Pusher;',
    'window.Echo = new Echo({',
    "  broadcaster: 'pusher',",
    `  key: '${key}',`,
    ...clientOptions(address),
  ].join('\n');
}

function pusherLines(key: string, address: ClientAddress): string {
  return ["import Pusher from 'pusher-js';", `const pusher = new Pusher('${key}', {`, ...clientOptions(address)].join(
    '\n',
  );
}
