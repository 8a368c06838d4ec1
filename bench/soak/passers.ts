import { type Activity, repeat, type Surroundings } from './activity.ts';
import { SoakClient, type SoakFrame } from './soak-client.ts';

const CROWD = 150;
const EVERY_MS = 20;
/** Users come in pairs of connections, and are gone before they come again. That they do so tells a leak from what is kept by name for a while. */
const USERS = 200;
const PRESENCE_CHANNELS = 5;
const CACHE_CHANNELS = 10;
/** One in so many makes mistakes. */
const MISTAKEN_SHARE = 10;
const INTERNAL_ERROR = 4100;

/** Clients that come, go to channels of all kinds, and go, properly or without a word. Some do what is not allowed. */
export function startPassers({ address, onProblem }: Surroundings): Activity {
  const counts = { connected: 0, memberChanges: 0, refusals: 0 };
  const crowd: SoakClient[] = [];
  const onEvent = ({ event, data }: SoakFrame): void => {
    if (event === 'pusher_internal:member_added' || event === 'pusher_internal:member_removed')
      counts.memberChanges += 1;
    if (event !== 'pusher:error') return;
    counts.refusals += 1;
    const { code, message } = data as { code: number | null; message: string };
    if (code === INTERNAL_ERROR) onProblem(`an error inside of the broker: ${message}`);
  };
  const passing = repeat(EVERY_MS, async (turn) => {
    try {
      const user = Math.floor(turn / 2) % USERS;
      const lobby = `presence-lobby-${user % PRESENCE_CHANNELS}`;
      const client = await SoakClient.open(address, `user-${user}`, onEvent);
      counts.connected += 1;
      crowd.push(client);
      if (turn % 2 === 0) client.signIn();
      await client.subscribe(`tags-${turn % 20}`);
      await client.subscribe(`visit-${turn}`);
      await client.subscribe(lobby);
      await client.subscribe(`cache-${turn % CACHE_CHANNELS}`);
      if (turn % 3 === 0) client.unsubscribe(`visit-${turn}`);
      if (turn % 5 === 0) client.unsubscribe(lobby);
      if (turn % MISTAKEN_SHARE === 0) makeMistakes(client);
    } catch (error) {
      onProblem(`a passer: ${(error as Error).message}`);
    }
    if (crowd.length <= CROWD) return;
    const oldest = crowd.shift();
    if (turn % 2 === 0) oldest?.vanish();
    else await oldest?.close();
  });
  return {
    counts,
    async stop() {
      await passing.stop();
      await Promise.all(crowd.map((client) => client.close()));
    },
  };
}

function makeMistakes(client: SoakClient): void {
  client.sendText('no JSON');
  client.send({ event: 'pusher:subscribe', data: { channel: 'private-closed', auth: 'bench-key:0000' } });
  client.send({ event: 'client-moved', channel: 'private-talk', data: 'from one who is not in it' });
  client.send({ event: 'nonsense', data: {} });
  client.unsubscribe('never-subscribed');
}
