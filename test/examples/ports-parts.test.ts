import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';

interface Place {
  readonly port: number;
  readonly variable: string;
  readonly movedFrom?: { readonly port: number; readonly to: string };
}

interface System {
  readonly port: number;
  readonly pagePort: number;
  readonly ports?: Readonly<Record<string, number>>;
}

interface Ports {
  choosePorts(
    systems: readonly { name: string; system: System }[],
    options: { port?: number; pagePort?: number },
    environment: Readonly<Record<string, string>>,
  ): Promise<Map<string, Record<string, Place>>>;
  UsageError: ErrorConstructor;
}

const { choosePorts, UsageError } = (await import('../../examples/shared/ports.mjs' as string)) as Ports;

/** Ports that were free a moment ago, one after the other. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports.toSorted((a, b) => a - b);
}

async function occupy(port: number, host: string): Promise<void> {
  const server = createServer().listen(port, host);
  onTestFinished(() => void server.close());
  await once(server, 'listening');
}

test('a port that two systems name is the first one’s; the other is moved, and knows from where', async () => {
  const [broker = 0, page = 0, other = 0] = await freePorts(3);
  const systems = [
    { name: 'rvm', system: { port: broker, pagePort: page } },
    { name: 'scada', system: { port: other, pagePort: page } },
  ];
  const places = await choosePorts(systems, {}, {});
  expect(places.get('rvm')).toEqual({
    BROKER_PORT: { port: broker, variable: 'RVM_BROKER_PORT' },
    PAGE_PORT: { port: page, variable: 'RVM_PAGE_PORT' },
  });
  const moved = places.get('scada')?.PAGE_PORT;
  expect(moved).toEqual({
    port: expect.any(Number),
    variable: 'SCADA_PAGE_PORT',
    movedFrom: { port: page, to: 'rvm' },
  });
  expect(moved?.port).toBeGreaterThan(page);
  expect([broker, other]).not.toContain(moved?.port);
});

test('a port that is asked for stays, and the system whose own it is makes way', async () => {
  const [one = 0, two = 0, three = 0, four = 0] = await freePorts(4);
  const systems = [
    { name: 'rvm', system: { port: one, pagePort: two } },
    { name: 'scada', system: { port: three, pagePort: four } },
  ];
  const places = await choosePorts(systems, {}, { SCADA_BROKER_PORT: String(one) });
  expect(places.get('scada')?.BROKER_PORT).toEqual({ port: one, variable: 'SCADA_BROKER_PORT' });
  expect(places.get('rvm')?.BROKER_PORT).toMatchObject({ movedFrom: { port: one, to: 'scada' } });
});

test('two variables that ask for the same port are both named', async () => {
  const [one = 0, two = 0, three = 0, four = 0] = await freePorts(4);
  const systems = [
    { name: 'rvm', system: { port: one, pagePort: two } },
    { name: 'scada', system: { port: three, pagePort: four } },
  ];
  const both = { RVM_PAGE_PORT: '8123', SCADA_PAGE_PORT: '8123' };
  await expect(choosePorts(systems, {}, both)).rejects.toThrow(
    new UsageError('RVM_PAGE_PORT and SCADA_PAGE_PORT are both 8123: change one of them.'),
  );
});

test('any free port is for further ports, too, unless a variable names them', async () => {
  const [one = 0, two = 0, three = 0, four = 0, login = 0] = await freePorts(5);
  const systems = [
    { name: 'rvm', system: { port: one, pagePort: two, ports: { LOGIN_PORT: three, DRILL_PORT: four } } },
  ];
  const places = await choosePorts(systems, { port: 0, pagePort: 0 }, { RVM_LOGIN_PORT: String(login) });
  const { LOGIN_PORT, ...others } = places.get('rvm') ?? {};
  expect(LOGIN_PORT?.port).toBe(login);
  const ports = Object.values(others).map(({ port }) => port);
  expect(new Set(ports).size).toBe(3);
  for (const port of ports) expect([0, one, two, three, four]).not.toContain(port);
});

// Vite listens on ::1 where localhost comes to that: the browser was shown another program's page.
test('a program on the other address of localhost has the port, too', async () => {
  const [broker = 0, page = 0] = await freePorts(2);
  await occupy(page, '::1');
  const systems = [{ name: 'scada', system: { port: broker, pagePort: page } }];
  await expect(choosePorts(systems, {}, {})).rejects.toThrow(
    `Another program has port ${page}: stop it, or set SCADA_PAGE_PORT to another port, or to 0 for any free one.`,
  );
});
