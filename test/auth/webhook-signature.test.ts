import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { signWebhook } from '../../auth/webhook-signature.ts';

test('signs the bytes of the body with the secret of the key', () => {
  const body = '{"time_ms":1327078148132,"events":[{"name":"channel_occupied","channel":"räume"}]}';
  const signature = createHmac('sha256', 'app-secret').update(Buffer.from(body)).digest('hex');
  expect(signWebhook({ key: 'app-key', secret: 'app-secret' }, body)).toEqual({
    'X-Pusher-Key': 'app-key',
    'X-Pusher-Signature': signature,
  });
});
