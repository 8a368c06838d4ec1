import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';

/**
 * One route to POST JSON to, for the page of a system and for programs on this machine.
 *
 * @param {{ port: string, pagePort: string, path: string }} place
 * @param {(body: Record<string, unknown>) => { status: number, body: unknown }} answer - a body that is no JSON object comes as `{}`
 */
export function serveEndpoint({ port, pagePort, path }, answer) {
  const origins = [`http://127.0.0.1:${pagePort}`, `http://localhost:${pagePort}`];
  const server = createServer(async (request, response) => {
    const { origin } = request.headers;
    const send = (status, body) =>
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
    // Any page on the web can send a form here; only ours is answered.
    if (origin !== undefined && !origins.includes(origin)) return send(403, { error: `Not from ${origin}.` });
    if (origin !== undefined) response.setHeader('Access-Control-Allow-Origin', origin);
    response.setHeader('Access-Control-Allow-Headers', 'Content-Type');
    if (request.method === 'OPTIONS') return response.writeHead(204).end();
    if (request.method !== 'POST' || request.url !== path) return send(404, { error: `POST ${path}` });
    const body = await json(request).catch(() => ({}));
    const { status, body: reply } = answer(typeof body === 'object' && body !== null ? body : {});
    return send(status, reply);
  });
  server.listen(Number(port), '127.0.0.1');
}
