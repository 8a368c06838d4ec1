import { loadSqlite } from '../../server/apps/sqlite-database.ts';

/** What the shop's dashboard says, by the test's own questions to the database. */
export type Figures = Record<'daily_sales' | 'monthly_sales' | 'daily_orders' | 'monthly_orders', number>;

export interface StoredOrder {
  readonly id: number;
  readonly items: string;
  readonly total: number;
}

type Database = InstanceType<Awaited<ReturnType<typeof loadSqlite>>['DatabaseSync']>;

const PLACED_ON = (format: string): string => `strftime('${format}', placed_at / 1000, 'unixepoch', '+8 hours')`;
const IS_NOW = (format: string): string =>
  `${PLACED_ON(format)} = strftime('${format}', :seconds, 'unixepoch', '+8 hours')`;

/** Beside the till and the dashboard that use it. */
export class ShopDatabase {
  readonly #database: Database;

  private constructor(database: Database) {
    this.#database = database;
    database.exec('PRAGMA busy_timeout = 5000');
  }

  static async open(file: string): Promise<ShopDatabase> {
    const { DatabaseSync } = await loadSqlite();
    return new ShopDatabase(new DatabaseSync(file));
  }

  /**
   * Sales of the day and the month as they were when there were so many orders: the till goes on meanwhile.
   *
   * @param atMs - when the dashboard looked
   */
  figuresAt(atMs: number, { daily_orders, monthly_orders }: Figures): Figures {
    return {
      daily_sales: this.#salesOf('%Y-%m-%d', atMs, daily_orders),
      monthly_sales: this.#salesOf('%Y-%m', atMs, monthly_orders),
      daily_orders: Math.min(daily_orders, this.#ordersOf('%Y-%m-%d', atMs)),
      monthly_orders: Math.min(monthly_orders, this.#ordersOf('%Y-%m', atMs)),
    };
  }

  order(id: number): StoredOrder {
    return this.#database
      .prepare('SELECT id, items, total FROM orders WHERE id = :id')
      .get({ id }) as unknown as StoredOrder;
  }

  /** Sells something now: in the quiet hours the till waits for its next customer longer than a test may. */
  sell(total: number): void {
    this.#database
      .prepare("INSERT INTO orders (placed_at, items, paid_by, total) VALUES (:now, '1 × Luwak', 'Cash', :total)")
      .run({ now: Date.now(), total });
  }

  get ordersThisMonth(): number {
    return this.#ordersOf('%Y-%m', Date.now());
  }

  close(): void {
    this.#database.close();
  }

  #salesOf(format: string, atMs: number, orders: number): number {
    const first = `SELECT total FROM orders WHERE ${IS_NOW(format)} ORDER BY id LIMIT :orders`;
    const statement = this.#database.prepare(`SELECT sum(total) AS sales FROM (${first})`);
    return (statement.get({ seconds: Math.floor(atMs / 1000), orders }) as unknown as { sales: number }).sales;
  }

  #ordersOf(format: string, atMs: number): number {
    const statement = this.#database.prepare(`SELECT count(*) AS orders FROM orders WHERE ${IS_NOW(format)}`);
    return (statement.get({ seconds: Math.floor(atMs / 1000) }) as unknown as { orders: number }).orders;
  }
}
