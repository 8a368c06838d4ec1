import { writeFileSync } from 'node:fs';
import { renderConfigDocs } from './config-docs.ts';
import { renderConfigSchema } from './json-schema.ts';

/** `npm run docs:config`. */
writeFileSync(new URL('../../docs/config.md', import.meta.url), renderConfigDocs());
writeFileSync(new URL('../../docs/config.schema.json', import.meta.url), renderConfigSchema());
