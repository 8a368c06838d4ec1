import { ProxyProcess } from './proxy-process.ts';

/** A time series of an answer, and its value. */
export interface QueryResult {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [time: number, value: string];
}

/** A real Prometheus that scrapes once a second. */
export class Prometheus {
  readonly #process: ProxyProcess;

  private constructor(process: ProxyProcess) {
    this.#process = process;
  }

  /**
   * @param path - of the program
   * @param targets - `127.0.0.1:9601`
   */
  static async start(path: string, targets: readonly string[]): Promise<Prometheus> {
    const job = { job_name: 'kulkul', static_configs: [{ targets }] };
    // JSON is YAML, too.
    const config = JSON.stringify({ global: { scrape_interval: '1s', scrape_timeout: '1s' }, scrape_configs: [job] });
    const process = await ProxyProcess.launch(
      {
        path,
        args: (file, { folder, port }) => [
          `--config.file=${file}`,
          `--storage.tsdb.path=${folder}/data`,
          `--web.listen-address=127.0.0.1:${port}`,
          '--log.level=error',
        ],
      },
      { config: () => config, isUp: async (port) => (await fetch(`http://127.0.0.1:${port}/-/ready`)).ok },
    );
    return new Prometheus(process);
  }

  /** @throws {Error} what it says against the query */
  async query(expr: string): Promise<readonly QueryResult[]> {
    const url = `http://127.0.0.1:${this.#process.port}/api/v1/query?${new URLSearchParams({ query: expr })}`;
    const { data, error } = (await (await fetch(url)).json()) as {
      readonly data?: { readonly result: readonly QueryResult[] };
      readonly error?: string;
    };
    if (!data) throw new Error(`${expr}: ${error}`);
    return data.result;
  }

  stop(): Promise<void> {
    return this.#process.stop();
  }
}
