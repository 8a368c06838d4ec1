import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { type Document, parse, parseAllDocuments } from 'yaml';
import { loadConfig, type Settings } from '../../server/config/index.ts';
import { mergeValues, renderHelm } from '../support/helm-template.ts';
import { COMMAND, neutralEnvironment, temporaryFolder } from '../support/process.ts';
import { Authority } from '../support/tls.ts';

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
  ['brokers.yaml', ['kulkul-1', 'kulkul-2', 'kulkul-3']],
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

describe('clusters of Docker Compose', () => {
  const brokers = Object.keys(parse(read('compose/brokers.yaml'), { merge: true }).services);
  const addresses = brokers.filter((name) => name !== 'redis').map((name) => `${name}:6001`);

  test.each([
    ['cluster.yaml', 'Caddyfile'],
    ['cluster-nginx.yaml', 'nginx.conf'],
    ['cluster-traefik.yaml', 'traefik.yaml'],
  ])('%s has a balancer that knows each broker', (file, configuration) => {
    const { include, services } = parse(read(`compose/${file}`));
    expect(include).toEqual(['brokers.yaml']);
    const [balancer] = Object.values<{ volumes: string[] }>(services);
    expect(balancer?.volumes[0]).toMatch(`./${configuration}:`);
    expect(read(`compose/${configuration}`).match(/kulkul-\d:6001/g)).toEqual(addresses);
  });

  test('nginx reads its file', async () => {
    const folder = temporaryFolder();
    const { cert, key } = await (await Authority.create()).issue();
    writeFileSync(join(folder, 'fullchain.pem'), cert);
    writeFileSync(join(folder, 'privkey.pem'), key);
    const file = join(folder, 'nginx.conf');
    const text = read('compose/nginx.conf').replaceAll('/etc/nginx/certificates', folder);
    writeFileSync(file, text.replace(/kulkul-\d:/g, '127.0.0.1:'));
    const args = ['-t', '-c', file, '-p', folder, '-e', 'stderr', '-g', `pid ${folder}/nginx.pid;`];
    const { status, stderr } = spawnSync(inject('nginx'), args, { encoding: 'utf8' });
    expect({ status, stderr }).toMatchObject({ status: 0, stderr: expect.stringContaining('test is successful') });
  });

  const hasCaddy = spawnSync('caddy', ['version']).status === 0;
  test.runIf(hasCaddy)('Caddy reads its file', () => {
    const file = fileURLToPath(new URL('compose/Caddyfile', DEPLOY));
    const home = temporaryFolder();
    const env = { ...process.env, DOMAIN: 'ws.example.com', HOME: home, XDG_DATA_HOME: home, XDG_CONFIG_HOME: home };
    const args = ['validate', '--adapter', 'caddyfile', '--config', file];
    const { status, stdout } = spawnSync('caddy', args, { env, encoding: 'utf8' });
    expect({ status, stdout }).toMatchObject({ status: 0, stdout: expect.stringContaining('Valid configuration') });
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

describe('the Helm chart', () => {
  const APP = '{ id: "1", key: key-of-the-app, secret: secret-of-the-app-that-nobody-guesses }';
  const chart = parse(read('helm/kulkul/Chart.yaml'));
  const templates = readdirSync(new URL('helm/kulkul/templates', DEPLOY));

  /** By kind. */
  function render(values: string): Record<string, Manifest> {
    const Values = mergeValues(read('helm/kulkul/values.yaml'), values);
    const root = { Values, Release: { Name: 'events' }, Chart: { AppVersion: chart.appVersion } };
    const texts = templates.map((name) => renderHelm(read(`helm/kulkul/templates/${name}`), root));
    const manifests = texts.filter((text) => text.trim() !== '').flatMap(manifestsOf);
    return Object.fromEntries(manifests.map((manifest) => [manifest.kind, manifest]));
  }

  test('is of this version', () => {
    const { version } = parse(readFileSync(new URL('../package.json', DEPLOY), 'utf8'));
    expect([chart.version, chart.appVersion]).toEqual([version, version]);
  });

  test('makes pods that Kulkul runs in, and a file of the apps', () => {
    const made = render(`{ apps: [${APP}], config: { eventLimits.maxPayloadInKb: 50 }, redis: { host: redis } }`);
    expect(Object.keys(made).sort()).toEqual(['Deployment', 'PodDisruptionBudget', 'Secret', 'Service']);
    const { template, replicas } = made.Deployment.spec;
    expect(replicas).toBe(3);
    checkPod(template.spec);
    expect(template.spec.containers[0].image).toBe(`kulkul:${chart.appVersion}`);
    expect(template.metadata.labels).toMatchObject(made.Service.spec.selector);
    expect(template.metadata.labels).toMatchObject(made.PodDisruptionBudget.spec.selector.matchLabels);
    const config = join(temporaryFolder(), 'kulkul.json');
    writeFileSync(config, made.Secret.stringData['kulkul.json']);
    const { settings } = loadConfig({ flags: { config }, env: {}, cwd: temporaryFolder() });
    expect(settings.appManager.array.apps).toMatchObject([{ key: GIVEN.KEY }]);
    expect(settings.eventLimits.maxPayloadInKb).toBe(50);
  });

  test('has the rest for those who ask for it', () => {
    const made = render(`
      existingSecret: mine
      env: { KULKUL_WORKERS: 2 }
      redis: { host: redis, passwordSecret: redis }
      drain: { move: 120 }
      ingress: { enabled: true, tlsSecret: certificate }
      metrics: { serviceMonitor: { enabled: true, labels: { release: prometheus } } }
      autoscaling: { enabled: true }`);
    expect(made).not.toHaveProperty('Secret');
    expect(made.Deployment.spec).not.toHaveProperty('replicas');
    const pod = made.Deployment.spec.template.spec;
    checkPod(pod);
    expect(pod.volumes.at(-1).secret.secretName).toBe('mine');
    expect(pod.containers[0].env.at(-1)).toEqual({ name: 'KULKUL_WORKERS', value: '2' });
    expect(made.Ingress.spec.tls).toEqual([{ hosts: ['ws.example.com'], secretName: 'certificate' }]);
    expect(made.Ingress.spec.rules[0].http.paths).toHaveLength(3);
    expect(made.ServiceMonitor.metadata.labels.release).toBe('prometheus');
    expect(made.Service.metadata.labels).toMatchObject(made.ServiceMonitor.spec.selector.matchLabels);
    const { scaleTargetRef, metrics } = made.HorizontalPodAutoscaler.spec;
    expect(scaleTargetRef.name).toBe(made.Deployment.metadata.name);
    expect(metrics[0].pods.target.averageValue).toBe('10000');
  });

  test.each([
    ['{ redis: { host: redis } }', 'apps, config or existingSecret must be set'],
    [`{ apps: [${APP}] }`, 'several nodes need redis.host'],
  ])('refuses %s', (values, reason) => {
    expect(() => render(values)).toThrow(reason);
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
