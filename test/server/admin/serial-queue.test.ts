import pino from 'pino';
import { expect, test } from 'vitest';
import { createAppRoutes, SerialQueue } from '../../../server/admin/app-routes.ts';
import { ListedRegistry } from '../../../server/admin/listed-registry.ts';
import { APP, FULL_APP } from '../../support/broker.ts';
import { askedOf, loadAdminConfig } from './admin-broker.ts';

test('changes that are made at the same time are all kept', async () => {
  const { settings } = loadAdminConfig({ 'appManager.array.apps': [FULL_APP] });
  const log = pino({ level: 'silent' });
  const registry = new ListedRegistry({ settings, replaceApps: () => {}, log });
  const route = createAppRoutes(registry, log, false).find(
    ({ method, path }) => `${method} ${path}` === 'POST /apps/:id/keys',
  );
  const keys = ['a', 'b', 'c', 'd'];
  await Promise.all(keys.map((key) => route?.run(askedOf({ id: APP.id }, { key }))));
  expect((await registry.find(APP.id))?.app.keys.map(({ key }) => key)).toEqual(keys);
});

test('work that fails is no reason for the next to wait, or to fail', async () => {
  const queue = new SerialQueue();
  const order: string[] = [];
  const first = queue.run(async () => {
    await Promise.resolve();
    order.push('first');
    throw new Error('no');
  });
  const second = queue.run(async () => {
    order.push('second');
    return 2;
  });
  await expect(first).rejects.toThrow('no');
  expect(await second).toBe(2);
  expect(order).toEqual(['first', 'second']);
});
