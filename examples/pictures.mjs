#!/usr/bin/env node
/**
 * Takes the pictures of the README: starts each system on free ports, and photographs its page once there is something to see.
 *
 *   node examples/pictures.mjs            (all)
 *   node examples/pictures.mjs scada
 *
 * Chromium is the one of CHROMIUM, or `chromium` on the PATH.
 */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { choosePorts } from './shared/ports.mjs';
import { startSystem } from './shared/system.mjs';

const SIZE = { width: 1000, height: 600 };

/** What makes a page worth a picture: what somebody does first, how long lines take to be lines, and what is waited for then. */
const SCENES = {
  // Of servers that are played: a picture need not tell what machine it was taken on.
  monitoring: { seconds: 45, change: (system) => ({ ...system, programs: system.programs.map(simulated) }) },
  rvm: { first: (page) => page.locator('#login button').click(), seconds: 25 },
  latency: { seconds: 40 },
  // An alarm is what such a page is for.
  scada: { seconds: 30, last: (page) => page.locator('#tags > [data-tone]').first().waitFor({ timeout: 120_000 }) },
  sales: { seconds: 10 },
};

const folder = new URL('.', import.meta.url);
const asked = process.argv.slice(2);
const names = asked.length > 0 ? asked : Object.keys(SCENES);
const unknown = names.filter((name) => !(name in SCENES));
if (unknown.length > 0) {
  process.stderr.write(`There is no picture of ${unknown.join(', ')}: ${Object.keys(SCENES).join(', ')}\n`);
  process.exit(2);
}
const executablePath = process.env.CHROMIUM ?? onPath('chromium') ?? onPath('google-chrome');
const browser = await chromium.launch({ ...(executablePath && { executablePath }), args: ['--no-sandbox'] });
for (const name of names) await photograph(name, SCENES[name]);
await browser.close();
process.exit(0);

async function photograph(name, { change, first, seconds, last }) {
  const { default: whole } = await import(new URL(`${name}/system.mjs`, folder).href);
  const system = change ? change(whole) : whole;
  const places = await choosePorts([{ name, system }], { port: 0, pagePort: 0 }, {});
  const running = await startSystem(new URL(`${name}/`, folder), system, places.get(name));
  const page = await browser.newPage({ viewport: SIZE, colorScheme: 'light' });
  await page.goto(running.url);
  await first?.(page);
  const failed = running.failed.then((reason) => Promise.reject(new Error(reason)));
  await Promise.race([setTimeout(seconds * 1000), failed]);
  await last?.(page);
  const path = fileURLToPath(new URL(`${name}/${name}.png`, folder));
  await page.screenshot({ path });
  await page.close();
  await running.stop();
  process.stdout.write(`${path}\n`);
}

function simulated(program, index) {
  return index === 0 ? { ...program, args: ['--name', 'mail-1', '--simulated'] } : program;
}

function onPath(program) {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.map((entry) => join(entry, program)).find((file) => existsSync(file));
}
