// Tables as comma-separated values (RFC 4180).

export type CsvRow = (string | number | boolean | null)[];

/** The rows as a file in UTF-8. Numbers are written in full; what is not a number is empty. */
export function csv(rows: CsvRow[]): string {
  return rows.map((row) => `${row.map(field).join(",")}\r\n`).join("");
}

function field(value: CsvRow[number]): string {
  if (value === null) return "";
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : "";
  const text = typeof value === "string" ? harmless(value) : String(value);
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll("\"", "\"\"")}"` : text;
}

/**
 * Prompts and tokens may come from anywhere, and spreadsheets run a text that begins like a formula. Such a text gets an
 * apostrophe before it. Many readers stop at a null character, which becomes its picture.
 */
function harmless(text: string): string {
  const isFormula = /^[\s\u0000]*[=+\-@＝＋－＠]/.test(text) || /^[\t\r\n]/.test(text);
  return (isFormula ? `'${text}` : text).replaceAll("\u0000", "␀");
}
