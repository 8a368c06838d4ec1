/** Reads the database every three seconds and publishes what is in it: four figures, and what the page shows beside them. */
import { every, Publisher } from '../shared/publisher.mjs';
import { variablesOf } from '../shared/variables.mjs';
import { openShop, startOfDay, startOfYesterday } from './shop.mjs';

const INTERVAL_MS = 3000;
const LATEST = 8;

const names = ['APP_ID', 'APP_KEY', 'APP_SECRET', 'SALES_DATABASE'];
const { APP_ID: appId, APP_KEY: key, APP_SECRET: secret, SALES_DATABASE: database } = variablesOf(...names);
const publisher = new Publisher({ appId, key, secret });
const shop = await openShop(database);

every(INTERVAL_MS, async () => {
  // The till is still writing down what was sold before.
  if (shop.lastOrderAt === undefined) return;
  const now = Date.now();
  await publisher.triggerBatch([
    { channel: 'dashboard', name: 'dashboard.updated', data: shop.figures(now) },
    {
      channel: 'orders',
      name: 'orders.updated',
      data: {
        latest: shop.latest(LATEST),
        today: shop.hours(startOfDay(now), now),
        yesterday: { ...shop.hours(startOfYesterday(now), now), byNow: shop.yesterdayByNow(now) },
        sentAt: Date.now(),
      },
    },
  ]);
});
