/** Sends the time, five times a second. Whoever gets it sees how long it took. */
import { every, Publisher } from '../shared/publisher.mjs';
import { variablesOf } from '../shared/variables.mjs';

const INTERVAL_MS = 200;

const { APP_ID: appId, APP_KEY: key, APP_SECRET: secret } = variablesOf('APP_ID', 'APP_KEY', 'APP_SECRET');
const publisher = new Publisher({ appId, key, secret });
let number = 0;

every(INTERVAL_MS, async () => {
  number += 1;
  await publisher.trigger('latency', 'tick', { number, sentAt: Date.now() });
});

process.stdout.write(`The time, every ${INTERVAL_MS} ms.\n`);
