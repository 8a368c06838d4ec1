import pino from 'pino';
import { publish, takeBackendEvents } from '../../channels/publish.ts';
import { parseTrigger } from '../../protocol/trigger.ts';
import type { AppCredentials, Broker, BrokerOptions, BrokerSettings } from '../../types/index.d.ts';
import { ConfigError, type LoadedConfig, loadConfig } from '../config/index.ts';
import { type Logger, logOptions } from '../log.ts';
import { type Server, startServer } from '../server.ts';
import { internalObserver } from './internal-observer.ts';

/** Settings of what only `kulkul start` has. */
const OF_THE_COMMAND = ['workers', 'admin', 'metrics'];
const LOOPBACK: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '[::1]' };

export interface OpenBroker {
  readonly broker: Broker;
  readonly server: Server;
}

/** @throws {ConfigError | ListenError | TlsError | JournalError | RedisStartError | AppStoreStartError} */
export async function openBroker(settings: BrokerSettings = {}, options: BrokerOptions = {}): Promise<OpenBroker> {
  refuseCommandSettings(settings);
  const config = loadConfig({ flags: {}, env: {}, cwd: process.cwd(), values: settings });
  const log = openLog(config, options);
  for (const warning of config.warnings) log.warn(warning);
  const observers = options.observer ? [internalObserver(options.observer)] : [];
  const server = await startServer(config, log, { observers });
  return { broker: asBroker(server, config), server };
}

function refuseCommandSettings(settings: BrokerSettings): void {
  const problems = Object.keys(settings)
    .filter((name) => OF_THE_COMMAND.includes(name.split('.', 1)[0] ?? ''))
    .map((name) => ({ where: 'startBroker', message: `${name}: only kulkul start has it.` }));
  if (problems.length > 0) throw new ConfigError(problems, new Map());
}

function openLog({ settings }: LoadedConfig, { log }: BrokerOptions): Logger {
  const write = log ?? ((line: string) => void process.stdout.write(line));
  return pino(logOptions(settings.log.level), { write });
}

function asBroker(server: Server, { settings, apps }: LoadedConfig): Broker {
  const secure = settings.ssl.certPath === '' ? '' : 's';
  const place = `${LOOPBACK[settings.host] ?? settings.host}:${server.port}`;
  const credentials = apps.flatMap(({ id, keys: [pair] }): AppCredentials[] => (pair ? [{ id, ...pair }] : []));
  return {
    port: server.port,
    url: `http${secure}://${place}`,
    wsUrl: `ws${secure}://${place}`,
    apps: credentials,
    get app() {
      const [first] = credentials;
      if (!first) throw new Error('There is no first app: the apps come from a database');
      return first;
    },
    async publish(channels, event, data, { appId, except } = {}) {
      const app = appId === undefined ? apps[0] : apps.find(({ id }) => id === appId);
      if (!app) throw new Error(`The settings have no app ${appId ?? 'at all'}`);
      const body = {
        name: event,
        channels: typeof channels === 'string' ? [channels] : channels,
        data: typeof data === 'string' ? data : JSON.stringify(data ?? null),
        ...(except !== undefined && { socket_id: except }),
      };
      const trigger = parseTrigger(body, app.limits);
      takeBackendEvents(server.node, app, [trigger]);
      await publish(server.node, app, trigger);
    },
    close: () => server.stop('restart'),
  };
}
