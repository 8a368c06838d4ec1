import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Document, parse, parseAllDocuments } from 'yaml';
import { loadConfig, type Settings } from '../../server/config/index.ts';
import { COMMAND, neutralEnvironment, temporaryFolder } from '../support/process.ts';

const DEPLOY = new URL('../../deploy/', import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, DEPLOY), 'utf8');

/** Values that come from elsewhere. */
const GIVEN = { ID: '1', KEY: 'key-of-the-app', SECRET: 'secret-of-the-app-that-nobody-guesses' };

/** @throws {ConfigError} a variable is no setting, or its value is wrong */
function settingsOf(variables: Readonly<Record<string, string>>): Settings {
  const env = Object.fromEntries(
    Object.entries(variables).map(([name, value]) => {
      const given = /_APP_(ID|KEY|SECRET)$/.exec(name)?.[1] as keyof typeof GIVEN | undefined;
      return [name, given === undefined ? value : GIVEN[given]];
    }),
  );
  const { settings, warnings } = loadConfig({ flags: {}, env, cwd: temporaryFolder() });
  expect(warnings).toEqual([]);
  return settings;
}

/** How long a broker takes to stop at most. */
function stoppingSeconds({ drain, shutdownGracePeriod }: Settings): number {
  const answering = 3;
  return drain.readyDelaySeconds + (drain.seconds ?? shutdownGracePeriod / 1000) + answering;
}

interface Service {
  readonly environment: Readonly<Record<string, string>>;
  readonly stop_grace_period: string;
}

describe.each([
  ['compose.yaml', ['kulkul']],
  ['cluster.yaml', ['kulkul-1', 'kulkul-2', 'kulkul-3']],
])('%s', (file, names) => {
  const { services } = parse(read(`compose/${file}`), { merge: true }) as { services: Record<string, Service> };

  test.each(names)('%s has settings that Kulkul knows, and time to stop', (name) => {
    const service = services[name];
    const settings = settingsOf(service?.environment ?? {});
    expect(settings.appManager.array.apps).toMatchObject([{ id: GIVEN.ID, key: GIVEN.KEY }]);
    expect(settings.adapter.driver).toBe(names.length > 1 ? 'redis' : 'local');
    expect(Number.parseInt(service?.stop_grace_period ?? '', 10)).toBeGreaterThan(stoppingSeconds(settings));
  });
});

/** What Kubernetes takes has no types here. */
type Manifest = ReturnType<Document['toJS']>;

function manifestsOf(text: string): Manifest[] {
  return parseAllDocuments(text).map((document) => {
    expect(document.errors).toEqual([]);
    return document.toJS();
  });
}

/** Of a Deployment. */
function checkPod({ containers: [container], terminationGracePeriodSeconds }: Manifest): void {
  const settings = settingsOf(
    Object.fromEntries(container.env.map(({ name, value = 'secret' }: Record<string, string>) => [name, value])),
  );
  const [, preStop] = container.lifecycle.preStop.exec.command;
  expect(terminationGracePeriodSeconds).toBeGreaterThan(Number(preStop) + stoppingSeconds(settings));
  // A node that is stopping is found out before it stops listening.
  const { periodSeconds, failureThreshold, httpGet } = container.readinessProbe;
  expect(periodSeconds * failureThreshold).toBeLessThan(settings.drain.readyDelaySeconds);
  expect([httpGet.path, container.livenessProbe.httpGet.path]).toEqual(['/ready', '/']);
  expect(container.ports).toEqual([
    { name: 'http', containerPort: settings.port },
    { name: 'metrics', containerPort: settings.metrics.port },
  ]);
  expect(settings.metrics.enabled).toBe(true);
}

describe('the manifests of Kubernetes', () => {
  const [deployment, service, budget] = manifestsOf(read('kubernetes/kulkul.yaml'));

  test('have settings that Kulkul knows, probes that it answers, and time to stop', () => {
    expect([deployment.kind, service.kind, budget.kind]).toEqual(['Deployment', 'Service', 'PodDisruptionBudget']);
    checkPod(deployment.spec.template.spec);
  });

  test('scale by a metric that Kulkul has, and that the Service leads to', () => {
    const [monitor, autoscaler] = manifestsOf(read('kubernetes/autoscaling.yaml'));
    const names = service.spec.ports.map(({ name }: Manifest) => name);
    expect(monitor.spec.endpoints.map(({ port }: Manifest) => names.includes(port))).toEqual([true]);
    expect(service.metadata.labels).toMatchObject(monitor.spec.selector.matchLabels);
    expect(autoscaler.spec.scaleTargetRef).toMatchObject({ kind: deployment.kind, name: deployment.metadata.name });
    const { name } = autoscaler.spec.metrics[0].pods.metric;
    const [rule] = parse(read('kubernetes/prometheus-adapter.yaml')).rules.custom;
    expect(rule.seriesQuery.split('{')[0]).toBe(name);
    expect(readFileSync(new URL('../docs/observability.md', DEPLOY), 'utf8')).toContain(`| \`${name}\` |`);
  });
});

describe('systemd', () => {
  const unit = read('systemd/kulkul.service');

  test('waits longer than the broker takes to stop', () => {
    const seconds = Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1]);
    expect(seconds).toBeGreaterThan(stoppingSeconds(settingsOf({})));
  });

  const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;
  test.runIf(hasSystemd)('understands each line of the unit', () => {
    const file = join(temporaryFolder(), 'kulkul.service');
    writeFileSync(file, unit.replace('/usr/bin/kulkul', process.execPath));
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
});

describe('PM2', () => {
  test('waits longer than the broker takes to stop', () => {
    const path = fileURLToPath(new URL('pm2/ecosystem.config.cjs', DEPLOY));
    const { apps } = createRequire(import.meta.url)(path) as { apps: Record<string, unknown>[] };
    expect(apps[0]).toMatchObject({ wait_ready: true, exec_mode: 'fork', instances: 1 });
    expect(Number(apps[0]?.kill_timeout) / 1000).toBeGreaterThan(stoppingSeconds(settingsOf({})));
  });

  test('is told when the broker listens', async () => {
    const broker = spawn(process.execPath, [COMMAND, 'start', '--host', '127.0.0.1', '--port', '0'], {
      env: neutralEnvironment(),
      cwd: temporaryFolder(),
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    onTestFinished(() => void broker.kill('SIGKILL'));
    expect(await once(broker, 'message')).toEqual(['ready', undefined]);
    broker.kill('SIGTERM');
    expect(await once(broker, 'exit')).toEqual([0, null]);
  });
});
