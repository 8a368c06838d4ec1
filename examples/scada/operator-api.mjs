import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';

const MAX_NAME_LENGTH = 40;

/**
 * What the page asks the plant for, at its own address: Vite passes /api on.
 *
 * - `GET /api/plant` → `{ tags, history, alarms }`
 * - `POST /api/acknowledge` with `{ "tag", "by" }` → 204, or 409 where there is nothing to acknowledge
 *
 * @param {{ port: number, pagePort: string, snapshot: () => object, acknowledge: (tag: string, by: string) => boolean }} plant
 */
export function serveOperators({ port, pagePort, snapshot, acknowledge }) {
  const origins = [undefined, `http://127.0.0.1:${pagePort}`, `http://localhost:${pagePort}`];
  const server = createServer(async (request, response) => {
    const send = (status, body) =>
      response
        .writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' })
        .end(body && JSON.stringify(body));
    const { method, url, headers } = request;
    // Any page on the web can send a form here; only ours is answered.
    if (!origins.includes(headers.origin)) return send(403, { error: `Not from ${headers.origin}.` });
    if (method === 'GET' && url === '/api/plant') return send(200, snapshot());
    if (method !== 'POST' || url !== '/api/acknowledge') return send(404, { error: `No ${method} ${url} here.` });
    const { tag, by } = (await json(request).catch(() => undefined)) ?? {};
    const name = typeof by === 'string' ? by.trim().slice(0, MAX_NAME_LENGTH) : '';
    if (typeof tag !== 'string' || name === '') return send(400, { error: 'Who acknowledges what? {"tag","by"}' });
    if (!acknowledge(tag, name)) return send(409, { error: `There is no alarm of ${tag} to acknowledge.` });
    return response.writeHead(204).end();
  });
  server.listen(port, '127.0.0.1');
}
