/** The shop's orders, in SQLite. Times are milliseconds since 1970, money whole Rupiah. */
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** The shop is on Bali: its day begins at midnight there, wherever this runs. There is no summer time. */
const OFFSET_MS = 8 * HOUR_MS;

export function startOfDay(atMs) {
  return Math.floor((atMs + OFFSET_MS) / DAY_MS) * DAY_MS - OFFSET_MS;
}

export function startOfYesterday(atMs) {
  return startOfDay(atMs) - DAY_MS;
}

export function startOfMonth(atMs) {
  const there = new Date(atMs + OFFSET_MS);
  return Date.UTC(there.getUTCFullYear(), there.getUTCMonth()) - OFFSET_MS;
}

export function hourOf(atMs) {
  return Math.floor((atMs - startOfDay(atMs)) / HOUR_MS);
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS orders (
    id INTEGER PRIMARY KEY,
    placed_at INTEGER NOT NULL,
    items TEXT NOT NULL,
    paid_by TEXT NOT NULL,
    total INTEGER NOT NULL
  );
  CREATE INDEX IF NOT EXISTS orders_by_time ON orders (placed_at, total);
`;

const FIGURES = `
  SELECT
    coalesce(sum(total) FILTER (WHERE placed_at >= :day), 0) AS daily_sales,
    coalesce(sum(total), 0) AS monthly_sales,
    count(*) FILTER (WHERE placed_at >= :day) AS daily_orders,
    count(*) AS monthly_orders
  FROM orders WHERE placed_at >= :month
`;

const HOURS = `
  SELECT CAST((placed_at - :from) / ${HOUR_MS} AS INTEGER) AS hour, sum(total) AS sales, count(*) AS orders
  FROM orders WHERE placed_at >= :from AND placed_at < :to GROUP BY hour
`;

const BETWEEN = `
  SELECT coalesce(sum(total), 0) AS sales, count(*) AS orders FROM orders WHERE placed_at >= :from AND placed_at < :to
`;

/** The database; till and dashboard each open it, and neither waits for the other. */
export class Shop {
  #database;
  #statements = new Map();

  constructor(database) {
    this.#database = database;
    database.exec('PRAGMA busy_timeout = 5000');
    database.exec('PRAGMA journal_mode = WAL');
    database.exec(SCHEMA);
  }

  /** @throws {Error} there is no SQLite, or the file can't be opened */
  static async open(file) {
    const { DatabaseSync } = await loadSqlite();
    try {
      return new Shop(new DatabaseSync(file));
    } catch (error) {
      throw new Error(`The shop's database ${file} can't be opened: ${error.message}. SALES_DATABASE names another.`);
    }
  }

  /** When the last order was placed; undefined in a new shop. */
  get lastOrderAt() {
    return this.#query('SELECT max(placed_at) AS at FROM orders').get().at ?? undefined;
  }

  /** @param {{ placedAt: number, items: string, paidBy: string, total: number }[]} orders - all or none is written */
  add(orders) {
    const insert = this.#query(
      'INSERT INTO orders (placed_at, items, paid_by, total) VALUES (:placedAt, :items, :paidBy, :total)',
    );
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      for (const order of orders) insert.run(order);
      this.#database.exec('COMMIT');
    } catch (error) {
      this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  /** @returns {{ daily_sales: number, monthly_sales: number, daily_orders: number, monthly_orders: number }} */
  figures(nowMs) {
    return this.#query(FIGURES).get({ day: startOfDay(nowMs), month: startOfMonth(nowMs) });
  }

  /** Sales and orders of each hour of a day; null for hours to come. */
  hours(dayMs, nowMs) {
    const begun = nowMs < dayMs + DAY_MS ? hourOf(nowMs) : 23;
    const empty = Array.from({ length: 24 }, (_, hour) => (hour <= begun ? 0 : null));
    const hours = { sales: [...empty], orders: [...empty] };
    for (const { hour, sales, orders } of this.#query(HOURS).all({ from: dayMs, to: dayMs + DAY_MS })) {
      hours.sales[hour] = sales;
      hours.orders[hour] = orders;
    }
    return hours;
  }

  /** What yesterday had come to at the same time of day. */
  yesterdayByNow(nowMs) {
    return this.#query(BETWEEN).get({ from: startOfYesterday(nowMs), to: nowMs - DAY_MS });
  }

  latest(count) {
    return this.#query('SELECT id, placed_at, items, paid_by, total FROM orders ORDER BY id DESC LIMIT ?').all(count);
  }

  #query(sql) {
    const known = this.#statements.get(sql) ?? this.#database.prepare(sql);
    this.#statements.set(sql, known);
    return known;
  }
}

/** SQLite is part of Node from 22.13 on; before, a package does the same. */
async function loadSqlite() {
  const builtIn = process.getBuiltinModule('node:sqlite');
  if (builtIn) return builtIn;
  return import('@photostructure/sqlite').catch(() => {
    throw new Error(
      'The shop keeps its orders in SQLite: take Node 22.13 or later, or npm install @photostructure/sqlite',
    );
  });
}

/** The shop of a program, which ends with the reason where it can't be opened. */
export function openShop(file) {
  return Shop.open(file).catch((error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  });
}
