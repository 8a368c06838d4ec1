import { type Activity, repeat, type Surroundings } from './activity.ts';
import { SoakClient } from './soak-client.ts';

const CHANNEL = 'private-talk';
const MEMBERS = 20;
const EVERY_MS = 50;

/** Clients that send each other client events. */
export async function startTalkers({ address, onProblem }: Surroundings): Promise<Activity> {
  const counts = { clientEvents: 0, clientEventsDelivered: 0 };
  const members: SoakClient[] = [];
  for (let index = 0; index < MEMBERS; index += 1) {
    const member = await SoakClient.open(address, `${index}`, ({ event, data }) => {
      if (event === 'client-moved') counts.clientEventsDelivered += 1;
      else onProblem(`a talker got ${event}: ${JSON.stringify(data)}`);
    });
    await member.subscribe(CHANNEL);
    members.push(member);
  }
  const talking = repeat(EVERY_MS, (turn) => {
    members[turn % MEMBERS]?.send({ event: 'client-moved', channel: CHANNEL, data: { turn } });
    counts.clientEvents += 1;
  });
  return {
    counts,
    async stop() {
      await talking.stop();
      // Answers come in order: what was said before is there when these are.
      for (let time = 0; time < 2; time += 1) {
        await Promise.all(members.map((member) => member.subscribe(`last-${time}`)));
      }
      const expected = counts.clientEvents * (MEMBERS - 1);
      if (counts.clientEventsDelivered !== expected) {
        onProblem(`${counts.clientEventsDelivered} client events were delivered instead of ${expected}`);
      }
      await Promise.all(members.map((member) => member.close()));
    },
  };
}
