import Pusher from 'pusher';
import { broker } from './broker.mjs';

const { appId, key, secret, host, port } = broker;
const pusher = new Pusher({ appId, key, secret, host, port: String(port), useTLS: false });

await pusher.trigger('scada-data', 'scada.data.received', { sensor: 'boiler-1', temperature: 71.5 });
await pusher.trigger('rvm-status', 'rvm.status.updated', { machine: 'rvm-7', status: 'full' });
process.stdout.write('published scada.data.received and rvm.status.updated\n');
