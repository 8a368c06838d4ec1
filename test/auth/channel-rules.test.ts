import { describe, expect, test } from 'vitest';
import { ChannelPattern } from '../../auth/channel-pattern.ts';
import {
  type Audience,
  type ChannelRule,
  grantRefusal,
  isForAnyone,
  keptGrant,
  ruleFor,
} from '../../auth/channel-rules.ts';
import type { Grant } from '../../auth/grant.ts';

const ANYONE: Audience = { kind: 'anyone' };
const PUBLIC: Audience = { kind: 'public' };
const APPLICATION: Audience = { kind: 'application' };
const TOKEN: Audience = { kind: 'token' };
const OWN: Audience = { kind: 'holder', roles: undefined, isOwn: true };
const roles = (...names: string[]): Audience => ({ kind: 'holder', roles: names, isOwn: false });

function rule(name: string, ...subscribe: Audience[]): ChannelRule {
  return { pattern: new ChannelPattern(name), subscribe, clientEvents: [ANYONE], publish: [APPLICATION] };
}

function grantWith(fields: Partial<Grant> = {}): Grant {
  return {
    userId: '42',
    roles: [],
    userInfoJson: '{"name":"Ann"}',
    watchlist: ['7'],
    claims: { sub: '42' },
    issuedAtSeconds: 1,
    expiresAtSeconds: 2,
    ...fields,
  };
}

/** Of subscribing to a channel that has this rule. */
function refusalBy(given: ChannelRule, channel: string, grant: Grant): string | undefined {
  expect(given.pattern.matches(channel)).toBe(true);
  return grantRefusal([given], 'subscribe', channel, grant);
}

function admits(given: ChannelRule, channel: string, grant: Grant): boolean {
  return refusalBy(given, channel, grant) === undefined;
}

const DASHBOARD = rule('private-admin-dashboard', roles('super-admin', 'admin', 'operator', 'technician'));
const USER = rule('private-user.{sub}', OWN);

describe('the rule of a channel', () => {
  test('is the first whose name matches, whatever it says', () => {
    const rules = [rule('private-a*', APPLICATION), rule('private-ab', ANYONE), rule('private-*', TOKEN)];
    expect(ruleFor(rules, 'private-ab')).toBe(rules[0]);
    expect(ruleFor(rules, 'private-x')).toBe(rules[2]);
    expect(ruleFor([...rules].reverse(), 'private-ab')).toBe(rules[2]);
  });

  test('is found by form: whose claims they are is asked later', () => {
    const rules = [USER, rule('private-*', ANYONE)];
    expect(ruleFor(rules, 'private-user.7')).toBe(USER);
    expect(admits(USER, 'private-user.7', grantWith())).toBe(false);
    expect(ruleFor(rules, 'private-user.')).toBe(rules[1]);
  });

  test.for([
    ['news', true],
    ['cache-news', true],
    ['privateer', true],
    ['private-x', false],
    ['private-cache-x', false],
    ['private-encrypted-x', false],
    ['private-encrypted-cache-x', false],
    ['presence-x', false],
    ['presence-cache-x', false],
  ] as const)('without one: %s is open to anyone: %s', ([channel, isOpen]) => {
    const found = ruleFor([DASHBOARD], channel);
    expect(isForAnyone(found.subscribe, channel)).toBe(isOpen);
    expect(admits(found, channel, grantWith({ roles: ['admin'] }))).toBe(isOpen);
    expect(isForAnyone(found.clientEvents, channel)).toBe(true);
    expect(found.publish).toEqual([APPLICATION]);
    // A wide rule that says nothing of subscribing opens no more than none: any token was in every private channel by it.
    const wide = rule('*', PUBLIC);
    expect(ruleFor([wide], channel)).toBe(wide);
    expect(isForAnyone(wide.subscribe, channel)).toBe(isOpen);
    expect(admits(wide, channel, grantWith({ roles: ['admin'] }))).toBe(isOpen);
  });
});

describe('who is admitted', () => {
  const channel = 'private-admin-dashboard';
  const isIn = (audiences: readonly Audience[], grant: Partial<Grant>): boolean =>
    admits({ ...DASHBOARD, subscribe: audiences }, channel, grantWith(grant));

  test('is whoever has one of the roles, exactly as it is written', () => {
    for (const role of ['super-admin', 'admin', 'operator', 'technician']) {
      expect(isIn(DASHBOARD.subscribe, { roles: ['viewer', role] })).toBe(true);
    }
    for (const role of ['viewer', 'Admin', 'admin ', 'admins', 'super-admin,admin', '*', '']) {
      expect(isIn(DASHBOARD.subscribe, { roles: [role] })).toBe(false);
    }
    expect(isIn(DASHBOARD.subscribe, { roles: [] })).toBe(false);
  });

  test('is everyone with a token, or with any, or only the application', () => {
    expect([ANYONE, TOKEN, APPLICATION].map((audience) => isIn([audience], {}))).toEqual([true, true, false]);
    expect(isIn([], {})).toBe(false);
    expect(isIn([APPLICATION, roles('a')], { roles: ['a'] })).toBe(true);
    expect(
      [[ANYONE], [TOKEN, ANYONE], [TOKEN], [APPLICATION], [OWN], []].map((audiences) =>
        isForAnyone(audiences, channel),
      ),
    ).toEqual([true, true, false, false, false, false]);
  });

  test('is the one whose channel it is', () => {
    const own = (name: string, claims: object): boolean =>
      admits(USER, name, grantWith({ claims: claims as Grant['claims'] }));
    expect(own('private-user.42', { sub: '42' })).toBe(true);
    expect(own('private-user.42', { sub: 42 })).toBe(true);
    expect(own('private-user.42', { sub: ['7', '42'] })).toBe(true);
    for (const claims of [{ sub: '4' }, { sub: '*' }, { sub: '' }, {}, { user: '42' }]) {
      expect(own('private-user.42', claims)).toBe(false);
    }
  });

  test('is also who has a role, in channels of others, where the rule says so', () => {
    const org = rule('private-org.{org}', OWN, roles('admin'));
    const may = (given: Partial<Grant>): boolean => admits(org, 'private-org.7', grantWith(given));
    expect(may({ roles: ['admin'], claims: { org: 8 } })).toBe(true);
    expect(may({ roles: ['viewer'], claims: { org: 8 } })).toBe(false);
    expect(may({ roles: ['viewer'], claims: { org: 7 } })).toBe(true);
  });

  test('has both, where a rule asks for a role and for what is its own', () => {
    const both: Audience = { kind: 'holder', roles: ['owner'], isOwn: true };
    const own = rule('private-org.{org}', both);
    const may = (given: Partial<Grant>): boolean => admits(own, 'private-org.7', grantWith(given));
    expect(may({ roles: ['owner'], claims: { org: 7 } })).toBe(true);
    expect(may({ roles: ['owner'], claims: { org: 8 } })).toBe(false);
    expect(may({ roles: ['viewer'], claims: { org: 7 } })).toBe(false);
  });
});

describe('what is told to whoever is refused', () => {
  test('is which roles it takes, and which the token has', () => {
    const text = (given: string[]): string | undefined =>
      refusalBy(DASHBOARD, 'private-admin-dashboard', grantWith({ roles: given }));
    expect(text(['viewer'])).toBe(
      'Not allowed to subscribe to private-admin-dashboard: it takes the role super-admin or admin or operator or technician; the token has the role viewer',
    );
    expect(text([])).toContain('the token has no role');
    expect(text(Array.from({ length: 1000 }, (_, index) => `role-${index}`))?.length).toBeLessThan(350);
  });

  test('is which claim it takes', () => {
    expect(refusalBy(USER, 'private-user.7', grantWith())).toContain('it takes sub as in private-user.{sub}');
  });

  test('is that no token opens it', () => {
    const found = ruleFor([], 'private-x');
    expect(refusalBy(found, 'private-x', grantWith())).toContain('no rule of the app opens private-x to tokens');
  });
});

test('of a grant is kept what its rule asked for', () => {
  const grant = grantWith({ roles: ['a'], claims: { sub: '42', org: { id: 7, name: 'x' }, other: 1 } });
  const own = rule('private-org.{org.id}', OWN);
  const kept = keptGrant(grant, own);
  expect(kept).toEqual({ ...grant, claims: { 'org.id': 7 }, userInfoJson: undefined, watchlist: [] });
  expect(admits(own, 'private-org.7', kept)).toBe(true);
  expect(admits(own, 'private-org.8', kept)).toBe(false);
});
