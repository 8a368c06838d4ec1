import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const ROOT = fileURLToPath(new URL('.', import.meta.url));
/** Of a broker that runs beside `npx vite console`. */
const ADMIN = process.env.KULKUL_ADMIN_URL ?? 'http://127.0.0.1:9601';
/** Everything that the page asks the admin port for. Its own files are below `/console/` too, and are Vite's. */
const ADMIN_PATHS = ['/apps', '/nodes', '/live', '/health', '/figures', '/console/session'];

export default defineConfig({
  root: ROOT,
  base: '/console/',
  publicDir: false,
  cacheDir: fileURLToPath(new URL('../node_modules/.vite/console', import.meta.url)),
  clearScreen: false,
  build: {
    outDir: fileURLToPath(new URL('../dist/console', import.meta.url)),
    // build.mjs removes what is no longer needed, after the new files are there.
    emptyOutDir: false,
    target: 'es2022',
    // The content security policy allows no `data:` and no script in the page.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: {
    proxy: Object.fromEntries(
      ADMIN_PATHS.map((path) => [
        `^${path}(?=[/?]|$)`,
        // The admin API refuses requests of other origins, and this one stands between them.
        { target: ADMIN, changeOrigin: true, headers: { origin: ADMIN } },
      ]),
    ),
  },
});
