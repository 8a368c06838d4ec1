import { writeFileSync } from 'node:fs';
import { renderConfigDocs } from './config-docs.ts';

/** `npm run docs:config`. */
writeFileSync(new URL('../../docs/config.md', import.meta.url), renderConfigDocs());
