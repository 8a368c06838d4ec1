/**
 * Why binaries are changed at all: those of uWebSockets.js for Linux are compiled where C23 is the default, so that three calls of the C library go
 * by names that exist from glibc 2.38 on. Debian 12 has 2.36, and everything else that they ask for. C23's functions differ from the old ones only in
 * reading `0b…` as a binary number where the base is 0 or 2, which nothing here depends on.
 */

/** C23's names, and where in each the old name begins: it is the tail of the same text. */
const PREFIX = '__isoc23_';
const ALIASES: ReadonlySet<string> = new Set([`${PREFIX}strtol`, `${PREFIX}strtoul`, `${PREFIX}sscanf`]);
const NEW_VERSION = 'GLIBC_2.38';

/** The answer to a first line that can't be read, and what it says instead: people meet it for other reasons than HTTP/1.0. */
const OLD_ADVICE =
  '<h1>HTTP Version Not Supported</h1><p>This server does not support HTTP/1.0.</p><hr><i>uWebSockets/20 Server</i>';
const NEW_ADVICE =
  'Plain HTTP/1.1 only: no HTTP/1.0, HTTP/2, TLS, PROXY protocol or http://... in line 1 (see docs/errors.md)';

/** A binary looks different from what this knows how to change. */
export class UnknownBinaryError extends Error {
  override readonly name = 'UnknownBinaryError';
}

/** Machines by their number in an ELF header, with the oldest version of the C library that there is for them. */
const MACHINES: ReadonlyMap<number, string> = new Map([
  [62, 'GLIBC_2.2.5'],
  [183, 'GLIBC_2.17'],
]);

// Section types, and the layout of ELF's tables for 64-bit machines: `man 5 elf`, and "Symbol Versioning" in the Linux Standard Base.
const SYMBOLS = 11;
const VERSIONS_OF_SYMBOLS = 0x6fffffff;
const NEEDED_VERSIONS = 0x6ffffffe;
const SYMBOL_BYTES = 24;

/**
 * A copy of a binary for Linux that loads on glibc 2.36 as well, and says more in its answer 505. Whatever is neither stays as it is.
 *
 * @param binary - a shared library, as published
 * @throws {UnknownBinaryError} it asks for more of glibc 2.38 than is known to be replaceable, or is no such library
 */
export function mendBinary(binary: Buffer): Buffer {
  const mended = Buffer.from(binary);
  try {
    askForOldNames(new Elf(mended));
  } catch (error) {
    if (error instanceof RangeError) throw new UnknownBinaryError('it ends too early', { cause: error });
    throw error;
  }
  replaceAdvice(mended);
  return mended;
}

function askForOldNames(elf: Elf): void {
  const needed = elf.neededVersions();
  const newest = needed.filter(({ version }) => version === NEW_VERSION);
  if (newest.length === 0) return;
  const oldest = needed.find(({ version, library }) => version === elf.oldestVersion && library === newest[0]?.library);
  if (newest.length > 1 || !newest[0] || !oldest)
    throw new UnknownBinaryError(`${NEW_VERSION} is not required exactly once`);
  const symbols = elf.symbolsOfVersion(newest[0].index);
  const unknown = symbols.filter(({ name, isDefined }) => isDefined || !ALIASES.has(name)).map(({ name }) => name);
  if (unknown.length > 0) throw new UnknownBinaryError(`it needs ${unknown.join(', ')} of ${NEW_VERSION}`);
  for (const { nameAt } of symbols) elf.shortenName(nameAt, PREFIX.length);
  elf.copyVersion(oldest.at, newest[0].at);
}

function replaceAdvice(binary: Buffer): void {
  const at = binary.indexOf(OLD_ADVICE);
  if (at >= 0) binary.write(NEW_ADVICE.padEnd(OLD_ADVICE.length), at, 'latin1');
}

interface Section {
  readonly type: number;
  readonly offset: number;
  readonly size: number;
  /** Number of the section that belongs to it. */
  readonly link: number;
  /** Entries, where the section says so. */
  readonly entries: number;
}

interface NeededVersion {
  readonly version: string;
  readonly library: string;
  /** As symbols name it. */
  readonly index: number;
  readonly at: number;
}

interface ImportedSymbol {
  readonly name: string;
  /** Where the file says where the name is. */
  readonly nameAt: number;
  readonly isDefined: boolean;
}

/** The parts of a shared library that name what it needs. */
class Elf {
  readonly oldestVersion: string;
  readonly #file: Buffer;
  readonly #sections: readonly Section[];

  constructor(file: Buffer) {
    const isElf64 = file.length > 64 && file.readUInt32BE(0) === 0x7f454c46 && file[4] === 2 && file[5] === 1;
    const oldestVersion = isElf64 ? MACHINES.get(file.readUInt16LE(18)) : undefined;
    if (oldestVersion === undefined) throw new UnknownBinaryError('it is no library for Linux on x64 or arm64');
    this.oldestVersion = oldestVersion;
    this.#file = file;
    const start = number(file, 40);
    const size = file.readUInt16LE(58);
    this.#sections = Array.from({ length: file.readUInt16LE(60) }, (_, index) =>
      readSection(file, start + index * size),
    );
  }

  neededVersions(): NeededVersion[] {
    const section = this.#section(NEEDED_VERSIONS);
    const found: NeededVersion[] = [];
    let libraryAt = section.offset;
    for (let left = section.entries; left > 0; left -= 1) {
      const library = this.#text(section, this.#file.readUInt32LE(libraryAt + 4));
      let at = libraryAt + this.#file.readUInt32LE(libraryAt + 8);
      for (let versions = this.#file.readUInt16LE(libraryAt + 2); versions > 0; versions -= 1) {
        const version = this.#text(section, this.#file.readUInt32LE(at + 8));
        found.push({ version, library, index: this.#file.readUInt16LE(at + 6), at });
        at += this.#file.readUInt32LE(at + 12);
      }
      libraryAt += this.#file.readUInt32LE(libraryAt + 12);
    }
    return found;
  }

  symbolsOfVersion(index: number): ImportedSymbol[] {
    const symbols = this.#section(SYMBOLS);
    const versions = this.#section(VERSIONS_OF_SYMBOLS);
    const found: ImportedSymbol[] = [];
    for (let number = 0; number < symbols.size / SYMBOL_BYTES; number += 1) {
      if (this.#file.readUInt16LE(versions.offset + 2 * number) !== index) continue;
      const nameAt = symbols.offset + number * SYMBOL_BYTES;
      const name = this.#text(symbols, this.#file.readUInt32LE(nameAt));
      found.push({ name, nameAt, isDefined: this.#file.readUInt16LE(nameAt + 6) !== 0 });
    }
    return found;
  }

  /** Has a symbol go by the rest of its name. */
  shortenName(nameAt: number, characters: number): void {
    this.#file.writeUInt32LE(this.#file.readUInt32LE(nameAt) + characters, nameAt);
  }

  /** Has one needed version be another of the same library: the hash of its name, and where the name is. */
  copyVersion(from: number, to: number): void {
    this.#file.copy(this.#file, to, from, from + 4);
    this.#file.copy(this.#file, to + 8, from + 8, from + 12);
  }

  #section(type: number): Section {
    const section = this.#sections.find((one) => one.type === type);
    if (!section) throw new UnknownBinaryError('it has no table of required versions');
    return section;
  }

  /** A text of the table that belongs to a section. */
  #text({ link }: Section, offset: number): string {
    const start = (this.#sections[link]?.offset ?? 0) + offset;
    return this.#file.toString('latin1', start, this.#file.indexOf(0, start));
  }
}

function readSection(file: Buffer, at: number): Section {
  return {
    type: file.readUInt32LE(at + 4),
    offset: number(file, at + 24),
    size: number(file, at + 32),
    link: file.readUInt32LE(at + 40),
    entries: file.readUInt32LE(at + 44),
  };
}

/** A 64-bit number; files are far from what a double can't hold. */
function number(file: Buffer, at: number): number {
  return Number(file.readBigUInt64LE(at));
}
