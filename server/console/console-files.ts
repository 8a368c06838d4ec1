import { readFile } from 'node:fs/promises';
import { AdminError } from '../admin/admin-error.ts';
import { TextAnswer } from '../admin/other-answers.ts';
import { type AdminRoute, adminRoute } from '../admin/route.ts';
import { PACKAGE_ROOT } from '../package-root.ts';

/** Where the build puts the front end. */
export const CONSOLE_FOLDER = new URL('dist/console/', PACKAGE_ROOT);

/** Nothing inline, nothing from elsewhere, in no frame. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const PAGE_HEADERS = {
  'Content-Security-Policy': CONTENT_SECURITY_POLICY,
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

/** By the end of a file's name. */
const CONTENT_TYPES: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  ico: 'image/x-icon',
  js: 'text/javascript; charset=utf-8',
  json: 'application/json; charset=utf-8',
  png: 'image/png',
  svg: 'image/svg+xml',
  txt: 'text/plain; charset=utf-8',
  webmanifest: 'application/manifest+json',
  woff2: 'font/woff2',
};

/** A name of a file, never a path. */
const FILE_NAME = /^\w[\w-]*(?:\.\w[\w-]*)*\.(\w+)$/;

/**
 * The console's page and its files. They hold nothing secret: whoever signs in needs them before that.
 *
 * @param folder - with `index.html`, and `assets/` of files whose names change with their content
 */
export function createConsoleFileRoutes(folder = CONSOLE_FOLDER): readonly AdminRoute[] {
  return [
    adminRoute({
      method: 'GET',
      path: '/console',
      summary: 'the console, for browsers',
      access: 'anybody',
      answerType: 'text/html',
      answer: { type: 'string' },
      async run() {
        const page = (await readIfThere(new URL('index.html', folder))) ?? notBuilt();
        return new TextAnswer(page, 'text/html; charset=utf-8', { ...PAGE_HEADERS, 'Cache-Control': 'no-cache' });
      },
    }),
    adminRoute({
      method: 'GET',
      path: '/console/assets/:file',
      summary: 'a file of the console',
      access: 'anybody',
      answerType: '*/*',
      answer: {},
      async run({ params: { file } }) {
        const type = CONTENT_TYPES[FILE_NAME.exec(file)?.[1] ?? ''];
        const content = type === undefined ? undefined : await readIfThere(new URL(`assets/${file}`, folder));
        if (type === undefined || content === undefined) {
          throw new AdminError('unknown-file', 404, 'The console has no such file: load its page anew');
        }
        return new TextAnswer(content, type, {
          ...PAGE_HEADERS,
          'Cache-Control': 'public, max-age=31536000, immutable',
        });
      },
    }),
  ];
}

async function readIfThere(file: URL): Promise<Buffer | undefined> {
  try {
    return await readFile(file);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function notBuilt(): never {
  throw new AdminError('console-not-built', 503, 'The console is not built here: run npm run build, then reload');
}
