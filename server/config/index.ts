export { renderConfigDocs } from './config-docs.ts';
export { ConfigError, type ConfigProblem } from './config-error.ts';
export { describeConfig } from './describe-config.ts';
export { type ConfigFlags, type ConfigSources, type LoadedConfig, loadConfig } from './load-config.ts';
export { nameOrigin, type Origin } from './origin.ts';
export type { Settings } from './schema.ts';
