/** A text as one word of a POSIX shell: bare where that is safe, else in single quotes (POSIX 2024, section 2.2.2). */
export function shellQuote(text: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
