import type { App } from '../../channels/app.ts';
import { systemClock } from '../clock.ts';
import { ConfigError, type LoadedConfig, type Settings } from '../config/index.ts';
import { maskSecrets } from '../config/mask.ts';
import { silentLog } from '../log.ts';
import { maxConnections } from '../open-connections.ts';
import { type Finding, failure, ok, skipped, warning } from './finding.ts';

/** Fewer open files than this are enough for a development machine only. */
const ENOUGH_FILES = 10_000;
const FEW_FILES = 2000;
/** Of a configuration with very many. */
const MAX_WEBHOOKS = 50;

export function examineConfiguration(config: LoadedConfig | ConfigError): Finding {
  if (config instanceof ConfigError) return failure('configuration', 'configuration-wrong', config.message);
  const { warnings, configFile = 'defaults and environment', generatedApp } = config;
  if (generatedApp) return warning('configuration', 'no-app', ['no app is configured', ...warnings].join('\n'));
  if (warnings.length > 0) return warning('configuration', 'configuration-warns', warnings.join('\n'));
  return ok('configuration', configFile);
}

export function examineOpenFiles(limit: number | undefined, setting: Settings['limits']['maxConnections']): Finding {
  if (limit === undefined) return ok('open files', 'no limit');
  const found = `${limit} at the most here: room for ${maxConnections(setting, limit)} connections in each process`;
  if (limit >= ENOUGH_FILES) return ok('open files', found);
  return limit < FEW_FILES
    ? failure('open files', 'open-files-low', found)
    : warning('open files', 'open-files-low', found);
}

export async function examineRedis(settings: Settings): Promise<Finding> {
  if (settings.adapter.driver !== 'redis') {
    return skipped('Redis', `not used (adapter.driver: ${settings.adapter.driver})`);
  }
  // Loaded where it is needed: the client of Redis is large.
  const { connectRedis } = await import('../redis/connect-redis.ts');
  const startMs = performance.now();
  try {
    (await connectRedis(settings, silentLog(), 0)).close();
    return ok('Redis', `does all that is needed (${Math.round(performance.now() - startMs)} ms)`);
  } catch (error) {
    if (error instanceof Error && error.name === 'RedisStartError')
      return failure('Redis', 'redis-fails', error.message);
    throw error;
  }
}

/** Sends each webhook a signed event, as `kulkul webhooks test` does: `channel_occupied` of the channel kulkul-test. */
export async function examineWebhooks(
  { apps, settings }: LoadedConfig,
  tell: (finding: Finding) => void,
): Promise<void> {
  const all = apps.flatMap((app) => app.webhooks.map((webhook) => ({ app, webhook })));
  const targets = all.slice(0, MAX_WEBHOOKS);
  if (targets.length === 0) {
    tell(skipped('webhook', 'none is configured'));
    return;
  }
  const [{ HttpSender }, { sendTest }] = await Promise.all([
    import('../webhooks/sender.ts'),
    import('../webhooks/operations.ts'),
  ]);
  const sender = new HttpSender({ timeoutMs: settings.webhooks.timeoutSeconds * 1000, clock: systemClock });
  // The clock keeps no process alive, and a target that is silent does neither.
  const alive = setInterval(() => {}, 1000);
  try {
    const examine = async ({ app, webhook }: { app: App; webhook: App['webhooks'][number] }): Promise<Finding> => {
      const { answer, error, durationMs } = await sendTest(app, webhook, 'kulkul-test', sender, Date.now);
      return judgeWebhook(maskSecrets(webhook.url), answer, error ?? '', durationMs);
    };
    for (const finding of await Promise.all(targets.map(examine))) tell(finding);
    const left = all.length - targets.length;
    if (left > 0) tell(skipped('webhook', `${left} more: only the first ${MAX_WEBHOOKS} are tried`));
  } finally {
    clearInterval(alive);
    await sender.close();
  }
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}

function judgeWebhook(url: string, answer: Answer | null, error: string, durationMs: number): Finding {
  if (answer === null) {
    const isSilent = error.startsWith('no answer within');
    return failure('webhook', isSilent ? 'webhook-silent' : 'webhook-unreachable', `${url}: ${error}`);
  }
  const { status } = answer;
  const found = `${url} answers ${status}`;
  if (status < 300) return ok('webhook', `${found} in ${durationMs} ms`);
  if (status < 400)
    return failure('webhook', 'webhook-redirects', `${found} and leads to ${answer.headers.location ?? 'nowhere'}`);
  if (status === 404 || status === 405) return failure('webhook', 'webhook-not-found', found);
  return failure('webhook', status < 500 ? 'webhook-refused' : 'webhook-fails', found);
}
