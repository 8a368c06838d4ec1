import { isJsonObject } from '../../protocol/json.ts';
import { AppConflict } from '../apps/app-store.ts';
import { type AppOptions, keyPairsOf } from '../config/app-options.ts';
import { nearest } from '../config/config-error.ts';
import { randomAppId, randomKey, randomSecret } from '../config/credentials.ts';
import type { Logger } from '../log.ts';
import { AdminError, invalidRequest } from './admin-error.ts';
import {
  nameProblems,
  placeholderProblems,
  problemsOf,
  readChangedApp,
  readNewApp,
  withKey,
  withoutKey,
} from './app-fields.ts';
import type { AppRegistry, Change, RegisteredApp } from './app-registry.ts';
import { type AdminRoute, adminRoute } from './route.ts';
import {
  APP_LIST,
  CHANGED_APP,
  DELETED,
  listQuerySchema,
  MADE_APP,
  MADE_KEY,
  NEW_APP,
  NEW_KEY,
  newKeySchema,
  SHOWN_APP,
} from './schemas.ts';
import { showApp, showNewApp } from './shown-app.ts';

/** Ids among which the one that was meant is looked for. */
const MAX_GUESSED = 1000;

/** @throws {AdminError} `unknown-app` */
export async function registeredApp(registry: AppRegistry, id: string): Promise<RegisteredApp> {
  const found = await registry.find(id);
  if (found) return found;
  throw await unknownApp(registry, id);
}

async function unknownApp(registry: AppRegistry, id: string): Promise<AdminError> {
  const ids = (await registry.list(MAX_GUESSED)).map(({ app }) => app.id);
  const close = nearest(id, ids);
  const advice = close === undefined ? 'GET /apps lists them' : `Did you mean ${close}?`;
  return new AdminError(
    'unknown-app',
    404,
    `There is no app with the id ${JSON.stringify(id.slice(0, 60))}. ${advice}`,
  );
}

/**
 * What is done with apps and their keys.
 *
 * @param isExposed - others than this machine reach the broker
 */
export function createAppRoutes(registry: AppRegistry, log: Logger, isExposed: boolean): readonly AdminRoute[] {
  // A change is made of what is there, so that no other may come in between.
  const changes = new SerialQueue();

  const change = (id: string, done: string, next: (app: AppOptions) => AppOptions) =>
    changes.run(async () => {
      const { app } = await registeredApp(registry, id);
      const changed = next(app);
      const made = await registry.update(changed);
      // Somebody else, on another machine or by hand, has deleted it meanwhile.
      if (!made) throw await unknownApp(registry, id);
      log.info({ app: id }, done);
      return { changed, made };
    });

  const changeApp = async (id: string, done: string, next: (app: AppOptions) => AppOptions): Promise<object> => {
    const { changed, made } = await change(id, done, next);
    return { ...showApp(changed, made.stored), ...warningOf(made) };
  };

  return [
    adminRoute({
      method: 'GET',
      path: '/apps',
      summary: 'all apps, without their secrets (?limit=1000)',
      query: listQuerySchema,
      showsOwnApps: true,
      answer: APP_LIST,
      async run({ query, operator }) {
        const { limit } = listQuerySchema.parse(query);
        const found = operator.apps ? await findAll(registry, operator.apps) : await registry.list(limit + 1);
        const apps = found.slice(0, limit).map(({ app, stored }) => showApp(app, stored));
        return { apps, more: found.length > limit };
      },
    }),
    adminRoute({
      method: 'POST',
      path: '/apps',
      summary: 'creates an app; a missing id, key or secret is generated, secrets are shown only once',
      body: { schema: NEW_APP, isRequired: false },
      answer: MADE_APP,
      status: 201,
      run: ({ body = {} }) =>
        changes.run(async () => {
          let app = readNewApp(body, isExposed);
          const isIdMade = !isJsonObject(body) || (body.id ?? null) === null;
          while (isIdMade && (await registry.find(app.id))) app = { ...app, id: randomAppId() };
          const made = await registry.insert(app);
          log.info({ app: app.id }, 'app made over the admin API');
          return { ...showNewApp(app, made.stored), ...warningOf(made) };
        }),
    }),
    adminRoute({
      method: 'GET',
      path: '/apps/:id',
      summary: 'one app',
      answer: SHOWN_APP,
      async run({ params }) {
        const { app, stored } = await registeredApp(registry, params.id);
        return showApp(app, stored);
      },
    }),
    adminRoute({
      method: 'PATCH',
      path: '/apps/:id',
      summary: 'changes options; null sets one back to its default',
      body: { schema: CHANGED_APP, isRequired: true },
      answer: SHOWN_APP,
      run: ({ params, body }) =>
        changeApp(params.id, 'app changed over the admin API', (app) => readChangedApp(app, body, isExposed)),
    }),
    adminRoute({
      method: 'POST',
      path: '/apps/:id/enable',
      summary: 'accepts clients and requests of an app again',
      answer: SHOWN_APP,
      run: ({ params }) => changeApp(params.id, 'app enabled over the admin API', (app) => ({ ...app, enabled: true })),
    }),
    adminRoute({
      method: 'POST',
      path: '/apps/:id/disable',
      summary: 'ends the connections of an app with 4003 and refuses its clients and requests',
      answer: SHOWN_APP,
      run: ({ params }) =>
        changeApp(params.id, 'app disabled over the admin API', (app) => ({ ...app, enabled: false })),
    }),
    adminRoute({
      method: 'DELETE',
      path: '/apps/:id',
      summary: 'deletes an app and ends its connections with 4001',
      answer: DELETED,
      run: ({ params }) =>
        changes.run(async () => {
          const id = params.id;
          const made = await registry.delete(id);
          if (!made) throw await unknownApp(registry, id);
          log.info({ app: id }, 'app deleted over the admin API');
          return { deleted: true, ...made };
        }),
    }),
    adminRoute({
      method: 'POST',
      path: '/apps/:id/keys',
      summary: 'adds a key, generated or as given ({ "key", "secret" }); the secret is shown only once',
      body: { schema: NEW_KEY, isRequired: false },
      answer: MADE_KEY,
      status: 201,
      async run({ params, body = {} }) {
        const id = params.id;
        const problems = problemsOf(newKeySchema, body);
        if (problems.length > 0) throw invalidRequest(problems);
        const { key = randomKey(), secret = randomSecret() } = newKeySchema.parse(body);
        const pair = { key, secret };
        const unfit = [...nameProblems(pair), ...(isExposed ? placeholderProblems(pair) : [])];
        if (unfit.length > 0) throw invalidRequest(unfit);
        const { made } = await change(id, 'key of an app added over the admin API', (app) => {
          if (hasKey(app, key)) throw new AppConflict(`The key ${key} is one of the app ${id} already.`);
          return withKey(app, pair);
        });
        return { ...pair, stored: made.stored, ...warningOf(made) };
      },
    }),
    adminRoute({
      method: 'DELETE',
      path: '/apps/:id/keys/:key',
      summary: 'removes a key: its connections end with 4001, its signatures are no longer accepted',
      answer: SHOWN_APP,
      run: ({ params }) => {
        const id = params.id;
        const { key } = params;
        return changeApp(id, 'key of an app retired over the admin API', (app) => {
          if (!hasKey(app, key)) {
            const message = `The app ${id} has no key ${JSON.stringify(key.slice(0, 60))}. GET /apps/${id} lists those that it has`;
            throw new AdminError('unknown-key', 404, message);
          }
          if (keyPairsOf(app).length === 1) {
            const message = `${key} is the only key of the app ${id}, which nobody could use without one. Add another first (POST /apps/${id}/keys), or delete the app`;
            throw new AdminError('last-key', 409, message);
          }
          return withoutKey(app, key);
        });
      },
    }),
  ];
}

/** In the order of their ids, as lists are. */
async function findAll(registry: AppRegistry, ids: readonly string[]): Promise<readonly RegisteredApp[]> {
  const found = await Promise.all([...new Set(ids)].sort().map((id) => registry.find(id)));
  return found.filter((app) => app !== undefined);
}

function hasKey(app: AppOptions, key: string): boolean {
  return keyPairsOf(app).some((pair) => pair.key === key);
}

function warningOf({ warning }: Change): { warning?: string } {
  return warning === undefined ? {} : { warning };
}

/** Does one thing after the other, in the order in which they come, whatever becomes of each. */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work, work);
    this.#last = done.catch(() => {});
    return done;
  }
}
