import Pusher from 'pusher-js';
import { broker } from './broker.mjs';

const pusher = new Pusher(broker.key, {
  cluster: 'mt1',
  wsHost: broker.host,
  wsPort: broker.port,
  forceTLS: false,
  enabledTransports: ['ws'],
});
pusher.connection.bind('state_change', ({ current }) => process.stdout.write(`${current}\n`));
pusher.connection.bind('error', ({ data, error }) => {
  process.stderr.write(`${data?.message ?? error?.data?.message ?? error?.message ?? 'connection failed'}\n`);
});
for (const name of ['scada-data', 'rvm-status']) {
  pusher.subscribe(name).bind_global((event, data) => {
    process.stdout.write(`${name}  ${event}  ${JSON.stringify(data)}\n`);
  });
}
