import { closeSync, fstatSync, openSync, readFileSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import type { Clock } from '../../channels/clock.ts';
import type { OutboxJournal, OutboxRecord } from '../../channels/outbox-journal.ts';
import type { Logger } from '../log.ts';

/** First line of a journal. */
const HEADER = '{"kulkul":"journal of webhooks","version":1}\n';
/** A journal is written anew when it has grown by this many bytes, and to twice its size. */
const MIN_GROWTH_BYTES = 1_000_000;
const GROWTH_FACTOR = 2;
const CHUNK_LENGTH = 65_536;
/** Between two attempts at a journal that can't be written, in milliseconds. */
const RETRY_MS = 10_000;

/** Why the journal can't be used, and what to do about it. */
export class JournalError extends Error {
  override readonly name = 'JournalError';
}

export interface FileJournalParts {
  readonly path: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Writes bytes to a file that is open; how many it could write. */
  readonly write?: (file: number, bytes: Buffer) => number;
}

/**
 * The journal of webhooks in a file: one JSON text in each line. The system has each line before anybody hears of the fact, so that it survives the
 * process, though not the machine.
 */
export class FileJournal implements OutboxJournal {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #writeBytes: (file: number, bytes: Buffer) => number;
  #records: readonly OutboxRecord[];
  #snapshot: () => Iterable<OutboxRecord> = () => [];
  /** Undefined: it can't be written now. */
  #file: number | undefined;
  #bytes = 0;
  /** When it was begun or last written anew. */
  #bytesAtFirst = 0;
  /** Records that are not in the file. */
  #missed = 0;
  #retryAtMs = 0;
  #isTaken = false;
  #isClosed = false;

  /** @throws {JournalError} the file can't be read, or is something else */
  constructor({ path, clock, log, write = writeSync }: FileJournalParts) {
    this.#path = path;
    this.#clock = clock;
    this.#writeBytes = write;
    this.#log = log;
    this.#records = this.#readFile();
  }

  get isKept(): boolean {
    return this.#file !== undefined && this.#isOurs();
  }

  read(): readonly OutboxRecord[] {
    return this.#records;
  }

  /** @throws {JournalError} the file can't be written */
  begin(snapshot: () => Iterable<OutboxRecord>): void {
    this.#records = [];
    this.#snapshot = snapshot;
    try {
      this.#rewrite();
    } catch (error) {
      throw new JournalError(
        `The journal of webhooks ${this.#path} (webhooks.journal) can not be written: ${textOf(error)}.`,
        { cause: error },
      );
    }
  }

  write(record: OutboxRecord): void {
    if (this.#isTaken || this.#isClosed) return;
    if (this.#file === undefined) {
      this.#missed += 1;
      this.#recover();
      return;
    }
    try {
      this.#bytes += this.#append(this.#file, lineOf(record));
      if (this.#bytes > this.#bytesAtFirst * GROWTH_FACTOR + MIN_GROWTH_BYTES) this.#compact();
    } catch (error) {
      this.#fail(error);
    }
  }

  close(): void {
    this.#isClosed = true;
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #readFile(): readonly OutboxRecord[] {
    let text: string;
    try {
      text = readFileSync(this.#path, 'utf8');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
      throw new JournalError(
        `The journal of webhooks ${this.#path} (webhooks.journal) can not be read: ${textOf(error)}.`,
        { cause: error },
      );
    }
    if (text === '') return [];
    if (!text.startsWith(HEADER)) {
      throw new JournalError(
        `The file ${this.#path} (webhooks.journal) is no journal of this version of Kulkul: name another file, or remove it.`,
      );
    }
    const lines = text.slice(HEADER.length).split('\n');
    // A line that was cut off by a crash is the last one, and tells of nothing that anybody heard of.
    lines.pop();
    const records = lines.flatMap(recordsIn);
    const unreadable = lines.length - records.length;
    if (unreadable > 0) {
      this.#log.error({ path: this.#path, lines: unreadable }, 'lines of the journal of webhooks can not be read');
    }
    return records;
  }

  #compact(): void {
    if (this.#isOurs()) this.#rewrite();
    else this.#give();
  }

  /** Whether the file at the path is the one that is written: another process may have begun its own in its place. */
  #isOurs(): boolean {
    if (this.#file === undefined) return true;
    return fstatSync(this.#file).ino === statSync(this.#path, { throwIfNoEntry: false })?.ino;
  }

  #give(): void {
    this.#log.warn({ path: this.#path }, 'another process writes the journal of webhooks from now on');
    this.#isTaken = true;
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  /** Writes a new file, which takes the place of the old one once it is complete. */
  #rewrite(): void {
    const path = `${this.#path}.new`;
    rmSync(path, { force: true });
    const file = openSync(path, 'ax', 0o600);
    try {
      let bytes = 0;
      let chunk = HEADER;
      for (const record of this.#snapshot()) {
        chunk += lineOf(record);
        if (chunk.length < CHUNK_LENGTH) continue;
        bytes += this.#append(file, chunk);
        chunk = '';
      }
      bytes += this.#append(file, chunk);
      renameSync(path, this.#path);
      this.#bytes = bytes;
      this.#bytesAtFirst = bytes;
    } catch (error) {
      closeSync(file);
      rmSync(path, { force: true });
      throw error;
    }
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = file;
  }

  /** @returns bytes */
  #append(file: number, text: string): number {
    const bytes = Buffer.from(text);
    const written = this.#writeBytes(file, bytes);
    if (written < bytes.length) throw new Error(`only ${written} of ${bytes.length} bytes could be written`);
    return written;
  }

  #fail(error: unknown): void {
    this.#log.error(
      { err: error, path: this.#path },
      'the journal of webhooks can not be written: from here on, what waits would be lost in a crash',
    );
    this.#missed += 1;
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
    this.#retryAtMs = this.#clock.elapsedMs() + RETRY_MS;
  }

  #recover(): void {
    if (this.#clock.elapsedMs() < this.#retryAtMs) return;
    this.#retryAtMs = this.#clock.elapsedMs() + RETRY_MS;
    try {
      this.#rewrite();
    } catch {
      // Told once; the next attempt may do better.
      return;
    }
    this.#log.info({ path: this.#path, missed: this.#missed }, 'the journal of webhooks is complete again');
    this.#missed = 0;
  }
}

function lineOf(record: OutboxRecord): string {
  return `${JSON.stringify(record)}\n`;
}

function recordsIn(line: string): OutboxRecord[] {
  try {
    // What has the header was written by this program.
    return [JSON.parse(line) as OutboxRecord];
  } catch {
    return [];
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
