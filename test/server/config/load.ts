import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ConfigError, type ConfigFlags, type LoadedConfig, loadConfig } from '../../../server/config/index.ts';
import { atEndOfFiles } from '../../support/end-of-file.ts';

export interface Sources {
  /** Content of the configuration file; an object is written as JSON. */
  readonly file?: string | object;
  readonly dotenv?: string;
  readonly env?: Record<string, string>;
  readonly flags?: ConfigFlags;
}

export const fileName = 'soketi.config.json';

/** A file with one app, so that a test about something else needn't mind. */
export const oneApp = { 'appManager.array.apps': [{ id: '1', key: 'k', secret: 's' }] };

const folders: string[] = [];
atEndOfFiles(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

export function createFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'kulkul-config-'));
  folders.push(folder);
  return folder;
}

/** Loads a configuration out of a folder of its own. */
export function load({ file, dotenv, env = {}, flags = {} }: Sources, cwd = createFolder()): LoadedConfig {
  if (file !== undefined) {
    writeFileSync(path.join(cwd, fileName), typeof file === 'string' ? file : JSON.stringify(file));
  }
  if (dotenv !== undefined) writeFileSync(path.join(cwd, '.env'), dotenv);
  return loadConfig({ flags: file === undefined ? flags : { config: fileName, ...flags }, env, cwd });
}

/** The message of the ConfigError that loading ends with. */
export function failure(sources: Sources, cwd?: string): string {
  try {
    load(sources, cwd);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

/** The only app that these sources give. */
export function onlyApp(sources: Sources, cwd?: string): LoadedConfig['apps'][number] {
  const { apps } = load(sources, cwd);
  const [app] = apps;
  if (app === undefined || apps.length > 1) throw new Error(`expected one app, got ${apps.length}`);
  return app;
}
