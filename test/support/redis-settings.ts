import { loadConfig, type Settings } from '../../server/config/index.ts';

/** The settings of a broker that uses Redis, by dotted path; an object is given as JSON. */
export function redisSettings(given: Readonly<Record<string, string | number | boolean | object>> = {}): Settings {
  const env = Object.entries({ 'adapter.driver': 'redis', ...given }).map(([path, value]) => [
    variableOf(path),
    typeof value === 'object' ? JSON.stringify(value) : String(value),
  ]);
  return loadConfig({ flags: {}, env: Object.fromEntries(env), cwd: '/nowhere' }).settings;
}

/** `database.redis.keyPrefix` to `KULKUL_DATABASE_REDIS_KEY_PREFIX`. */
function variableOf(path: string): string {
  const snake = path.replaceAll('.', '_').replace(/[A-Z]/g, (letter) => `_${letter}`);
  return `KULKUL_${snake.toUpperCase()}`;
}
