import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { atEndOfFiles } from '../support/end-of-file.ts';
import { CommandProcess } from '../support/process.ts';

const EXAMPLES = fileURLToPath(new URL('../../examples/', import.meta.url));

/** A system as `npm run example NAME` starts it, on free ports. */
export interface Example {
  /** Of the page. */
  readonly url: string;
  readonly brokerPort: number;
  readonly process: CommandProcess;
  /** Ends the broker at once, as a crash would; it is started again by the system. */
  killBroker(): void;
}

const started: CommandProcess[] = [];

// Before the processes are killed, which would leave the children of this one behind.
atEndOfFiles(async () => {
  for (const process of started.splice(0)) {
    process.signal('SIGTERM');
    await process.exited;
  }
});

/** Stopped with the tests of the file. */
export async function startExample(
  name: string,
  env: Readonly<Record<string, string>> = {},
  ports: Parameters<typeof runExample>[2] = {},
): Promise<Example> {
  const process = runExample(name, env, ports);
  await process.printed(/^Ctrl\+C/);
  const [, url = ''] = /^ {2}Page +(\S+)$/m.exec(process.stdout) ?? [];
  const [, port = '', pid = ''] = /^ {2}Broker +ws:\/\/localhost:(\d+) +process (\d+)$/m.exec(process.stdout) ?? [];
  return { url, brokerPort: Number(port), process, killBroker: () => killProcess(Number(pid)) };
}

/** Whether it starts or not. */
export function runExample(
  name: string,
  env: Readonly<Record<string, string>> = {},
  ports: { readonly port?: string | undefined; readonly pagePort?: string | undefined } = {},
): CommandProcess {
  const { port, pagePort } = { port: '0', pagePort: '0', ...ports };
  const args = [
    name,
    ...(port === undefined ? [] : ['--port', port]),
    ...(pagePort === undefined ? [] : ['--page-port', pagePort]),
  ];
  const process = new CommandProcess(args, { command: `${EXAMPLES}run.mjs`, env });
  started.push(process);
  return process;
}

/** One program of a system alone. */
export function runProgram(file: string, env: Readonly<Record<string, string>>): CommandProcess {
  return new CommandProcess([], { command: `${EXAMPLES}${file}`, env });
}

function killProcess(pid: number): void {
  if (!(pid > 1)) throw new Error(`${pid} is no process of a broker`);
  globalThis.process.kill(pid, 'SIGKILL');
}

/** The texts that an element shows, from now on: also those that are gone when they are asked for. Empty while there is no such element. */
export async function textsOf(page: Page, selector: string): Promise<() => Promise<string[]>> {
  const list = await page.evaluateHandle<string[]>(`(() => {
    const text = () => document.querySelector(${JSON.stringify(selector)})?.textContent ?? '';
    const texts = [text()];
    new MutationObserver(() => {
      if (texts.at(-1) !== text()) texts.push(text());
    }).observe(document.body, { childList: true, characterData: true, subtree: true });
    return texts;
  })()`);
  return () => list.jsonValue();
}

/** Figures go to the report of the tests: they depend on the machine, so that no test asserts them. */
export function reportFigures(name: string, figures: Readonly<Record<string, string | number | null>>): void {
  const text = Object.entries(figures).map(([figure, value]) => `${figure} ${value ?? '?'} ms`);
  process.stdout.write(`${name}: ${text.join(', ')}\n`);
}
