import os from 'node:os';
import { numberFrom, orEnd } from './settings.mjs';

const PLAYED = ['web-1', 'db-1', 'web-2', 'db-2', 'cache-1', 'queue-1', 'mail-1', 'search-1', 'files-1'];
const agents = orEnd(() => numberFrom(process.env, 'AGENTS', 3, 1, 50));

/** Several servers, watched by agents in processes of their own: readings every four seconds, alerts at once. */
export default {
  title: 'Monitoring of servers',
  config: 'kulkul.json',
  port: 6003,
  pagePort: 18904,
  pageProgram: 'application.mjs',
  programs: Array.from({ length: agents }, (_, index) => agent(index)),
  env: {
    APP_ID: 'monitoring',
    APP_KEY: 'monitoring-key',
    APP_SECRET: 'monitoring-secret',
    AGENT_TOKEN: 'monitoring-agent-token',
  },
  notes: ({ PAGE_PORT }) => [
    `Feed    ws://localhost:${PAGE_PORT}/ws   for any WebSocket client: see the README`,
    `API     http://localhost:${PAGE_PORT}/swagger/index.html`,
    `Agents  ${agents}: end the process of one, and it is missed`,
  ],
};

/** The first one reads this machine. The others would read the same, so they play a server each. */
function agent(index) {
  const name = index === 0 ? os.hostname() : (PLAYED[index - 1] ?? `server-${index + 1}`);
  const args = ['--name', name, ...(index === 0 ? [] : ['--simulated'])];
  return { file: 'agent.mjs', label: name, args, mayEnd: true };
}
