import { expect, test } from 'vitest';
import { RouteTable } from '../../../server/http/route-table.ts';

const ROUTES = [
  { method: 'GET', path: '/' },
  { method: 'GET', path: '/apps' },
  { method: 'POST', path: '/apps' },
  { method: 'DELETE', path: '/apps/:app' },
  { method: 'GET', path: '/apps/:app/channels/:channel/users/:user' },
] as const;

const decode = (segment: string): string | undefined =>
  segment === 'broken' ? undefined : decodeURIComponent(segment);
const table = new RouteTable<(typeof ROUTES)[number]>(ROUTES, decode);

test.for([
  ['/', 0, {}],
  ['/apps', 1, {}],
  ['/apps/1/channels/a%2Fb/users/%C3%BC', 4, { app: '1', channel: 'a/b', user: 'ü' }],
  ['/apps//channels//users/', 4, { app: '', channel: '', user: '' }],
] as const)('finds %s, with its parts decoded', ([path, index, params]) => {
  expect(table.find('GET', path)).toEqual({ route: ROUTES[index], params });
  expect(table.has(path)).toBe(true);
});

test.for(['', 'apps', '*', '//', '/apps/1/channels', '/app', '/apps/1/', '/apps/1/channels/2/users/3/4'])(
  'finds nothing at "%s"',
  (path) => {
    expect(table.find('GET', path)).toBeUndefined();
    expect(table.has(path)).toBe(false);
  },
);

test('finds nothing where a part can not be decoded', () => {
  expect(table.find('DELETE', '/apps/broken')).toBeUndefined();
  expect(table.find('DELETE', '/apps/1')?.route).toBe(ROUTES[3]);
});

test('answers HEAD where GET is, and tells the methods of a path in the order of the table', () => {
  expect(table.find('HEAD', '/apps')?.route).toBe(ROUTES[1]);
  expect(table.find('PUT', '/apps')).toEqual({ route: undefined, allowed: ['GET', 'POST'] });
  expect(table.find('HEAD', '/apps/1')).toEqual({ route: undefined, allowed: ['DELETE'] });
  expect(table.find('get', '/apps')).toEqual({ route: undefined, allowed: ['GET', 'POST'] });
});

test('takes no two routes for one request', () => {
  const two = [{ method: 'GET', path: '/apps/:app' } as const, { method: 'GET', path: '/apps/:id' } as const];
  expect(() => new RouteTable(two, decode)).toThrow('there are two routes GET /apps/:id');
  const hidden = [{ method: 'GET', path: '/apps/:app' } as const, { method: 'POST', path: '/apps/new' } as const];
  expect(() => new RouteTable(hidden, decode)).toThrow('/apps/new and another route hide one another');
});

test('tells the same path apart by method, and the same method by path, in whatever order they come', () => {
  const requests = [
    ['GET', '/apps', 1],
    ['POST', '/apps', 2],
    ['POST', '/apps', 2],
    ['GET', '/apps', 1],
    ['DELETE', '/apps/1', 3],
    ['DELETE', '/apps/2', 3],
  ] as const;
  const found = requests.map(([method, path]) => table.find(method, path));
  expect(found.map((match) => match?.route)).toEqual(requests.map(([, , index]) => ROUTES[index]));
  expect(found.slice(4)).toMatchObject([{ params: { app: '1' } }, { params: { app: '2' } }]);
});
