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
  // Without a graphics card each frame of an animation is drawn by the processor.
  '--force-prefers-reduced-motion',
];

/** A headless Chromium with an empty profile. */
export function launchBrowser(...flags: readonly string[]): Promise<Browser> {
  return chromium.launch({ executablePath: inject('chromium'), args: [...FLAGS, ...flags] });
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
