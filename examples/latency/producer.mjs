/** Sends a message every two seconds and a status every three, each with the time: whoever gets it sees how long it took. */
import { every, Publisher } from '../shared/publisher.mjs';
import { variablesOf } from '../shared/variables.mjs';

const MESSAGE_MS = 2000;
const STATUS_MS = 3000;

const { APP_ID: appId, APP_KEY: key, APP_SECRET: secret } = variablesOf('APP_ID', 'APP_KEY', 'APP_SECRET');
const publisher = new Publisher({ appId, key, secret });
const startedMs = Date.now();
let number = 0;

/** Under the name that EventSource hands to `onmessage`. */
const send = (message) => publisher.trigger('latency', 'message', { message, sentAt: Date.now() });

every(MESSAGE_MS, () => {
  number += 1;
  return send(`Message ${number} from the server`);
});
every(STATUS_MS, () => send(`Status: running for ${Math.round((Date.now() - startedMs) / 1000)} s`));

process.stdout.write(`A message every ${MESSAGE_MS / 1000} s, a status every ${STATUS_MS / 1000} s.\n`);
