import { build } from 'esbuild';
import { type Browser, chromium } from 'playwright-core';
import { inject } from 'vitest';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** A headless Chromium with an empty profile. Its pages are of somebody who wants no animations. */
export async function launchBrowser(...flags: readonly string[]): Promise<Browser> {
  const browser = await chromium.launch({ executablePath: inject('chromium'), args: [...FLAGS, ...flags] });
  const newContext = browser.newContext.bind(browser);
  // Without a graphics card the processor draws each frame of an animation: a page of ours that does nothing else takes a third of a core. The flag of
  // Chromium for this is of no use, as the library sets what each page prefers. `newPage` asks for its context in this way, too.
  browser.newContext = (options) => newContext({ reducedMotion: 'reduce', ...options });
  return browser;
}

/** An application's pages: one that loads the bundle of a TypeScript file. */
export async function bundlePages(entry: URL): Promise<ReadonlyMap<string, string>> {
  const { outputFiles } = await build({
    entryPoints: [entry.pathname],
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'browser',
    // The build of pusher-js that can read encrypted channels; in Node there is only one.
    alias: { 'pusher-js': 'pusher-js/with-encryption/index.js' },
  });
  const [bundle] = outputFiles;
  return new Map([
    ['/', '<!doctype html><title>Application</title><script src="/page.js"></script>'],
    ['/page.js', bundle?.text ?? ''],
  ]);
}
