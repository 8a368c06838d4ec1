export { ConfigError, type ConfigProblem } from './config-error.ts';
export type { LoadedConfig } from './loaded-config.ts';
export { nameOrigin, type Origin } from './origin.ts';
export type { Settings } from './schema.ts';
