import * as z from 'zod';
import { about, count } from './setting.ts';

/** Longer than this, people see it. */
const MOST_MILLISECONDS = 100;

const nameSchema = z
  .string()
  .min(1, 'must not be empty')
  .refine((name) => !/[{}]/.test(name), { error: 'must be a name or a pattern with *: braces stand in rules only' });

/** Channels whose events wait for others. */
export const coalescingRuleSchema = z.strictObject({
  name: about(nameSchema, 'Name of the channels: `*` stands for any characters.'),
  milliseconds: about(
    count(0).max(MOST_MILLISECONDS),
    `How long an event waits for others, ${MOST_MILLISECONDS} at most. 0: not at all, which exempts channels from a wider pattern behind.`,
  ),
});

/** The first that matches a channel counts. */
export const coalescingSchema = z.array(coalescingRuleSchema);

export type CoalescingOptions = z.output<typeof coalescingRuleSchema>;
