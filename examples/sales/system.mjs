import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const data = fileURLToPath(new URL('.data/', import.meta.url));
const database = process.env.SALES_DATABASE ?? `${data}shop.db`;
mkdirSync(data, { recursive: true });

/** A shop's dashboard: four figures out of a database, every three seconds, for whatever reads a WebSocket. */
export default {
  title: 'Sales: a shop, as its till writes it down',
  config: 'kulkul.json',
  port: 8080,
  pagePort: 8004,
  programs: ['till.mjs', 'dashboard.mjs'],
  env: { APP_ID: 'sales', APP_KEY: 'sales-key', APP_SECRET: 'sales-secret', SALES_DATABASE: database },
  notes: ({ port }) => [
    `Feed    ws://localhost:${port}/api/v1/dashboard/ws   for wscat, scripts, the browser's console`,
    `Data    ${database}`,
  ],
};
