import { expect, test } from 'vitest';
import { run, startProcess, temporaryFolder } from '../support/process.ts';
import { runExample } from './start-example.ts';

/** Nothing but Node can be started, by a name that is looked up or by a path, and only signals that Windows has are sent. */
const LIMITS = {
  PATH: '',
  NODE_OPTIONS: `--import ${new URL('./windows-limits.mjs', import.meta.url).href}`,
};

test('the limits are those of Windows', async () => {
  const folder = temporaryFolder();
  const wrong: readonly [code: string, error: string][] = [
    ["(await import('node:child_process')).spawn('sh')", 'Windows has no sh'],
    ["(await import('node:child_process')).exec('ls')", 'Windows has no shell for: ls'],
    ["process.kill(process.pid, 'SIGHUP')", "Windows can't send SIGHUP"],
    [
      "(await import('node:child_process')).spawn(process.execPath, ['-e', '']).kill('SIGUSR2')",
      "Windows can't send SIGUSR2",
    ],
  ];
  for (const [code, error] of wrong) {
    const { stderr } = await run([`data:text/javascript,${encodeURIComponent(code)}`], {
      command: '--import',
      cwd: folder,
      env: LIMITS,
    });
    expect(stderr).toContain(`Error: ${error}`);
  }
});

test('a system runs with what Windows has: its broker is started again, and all of it ends', async () => {
  const runner = runExample('scada', LIMITS);
  await runner.printed(/^Ctrl\+C/);
  const [, url = ''] = /^ {2}Page +(\S+)$/m.exec(runner.stdout) ?? [];
  expect((await fetch(url)).status).toBe(200);
  const [, pid = ''] = /process (\d+)$/m.exec(runner.stdout) ?? [];
  process.kill(Number(pid), 'SIGKILL');
  await runner.printed(/^The broker runs again/);
  runner.signal('SIGINT');
  expect(await runner.exited).toEqual({ code: 0, signal: null });
});

test('the broker runs with what Windows has, with workers and supervised, too', async () => {
  for (const args of [[], ['--supervised']]) {
    const broker = await startProcess({ args, env: LIMITS, settings: { workers: 2 } });
    expect((await fetch(`${broker.url}/ready`)).status).toBe(200);
    broker.signal('SIGINT');
    expect(await broker.exited).toEqual({ code: 0, signal: null });
  }
});

test('scripts of package.json need no shell but npm’s', async () => {
  const { default: pack } = await import('../../package.json', { with: { type: 'json' } });
  const scripts: Readonly<Record<string, string>> = pack.scripts;
  for (const name of ['preexample', 'example', 'prestart', 'start', 'build', 'prepare']) {
    for (const command of scripts[name]?.split(' && ') ?? ['']) expect(command).toMatch(/^(node|npm run) [\w./ -]+$/);
  }
});
