import fc from 'fast-check';
import { expect, test } from 'vitest';
import { terminationChannelName, topicOf, watchChannelName } from '../../channels/local-channel.ts';
import { channelNameProblem } from '../../protocol/channel-name.ts';

test('gives every channel of every app a topic of its own', () => {
  const text = fc.string({ unit: fc.constantFrom('a', '/', '1', '#') });
  fc.assert(
    fc.property(text, text, text, text, (app, channel, otherApp, otherChannel) => {
      const isSame = app === otherApp && channel === otherChannel;
      expect(topicOf(app, channel) === topicOf(otherApp, otherChannel)).toBe(isSame);
    }),
    { numRuns: 1000 },
  );
});

test('keeps the channels for its own use out of the reach of clients', () => {
  for (const name of [watchChannelName('7'), terminationChannelName('7')]) {
    expect(channelNameProblem(name, 200)).toBe('names beginning with # are reserved');
  }
});
