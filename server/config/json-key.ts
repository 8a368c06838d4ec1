/** A name out of a file, fit for one line of a message: long or odd ones are cut and quoted. */
export function keyName(name: string): string {
  const short = name.length > 60 ? `${name.slice(0, 60)}…` : name;
  return /^[\w$.-]+…?$/.test(short) ? short : JSON.stringify(short);
}
