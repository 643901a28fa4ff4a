// Texts shown exactly: spaces, line ends and characters that nobody would see become marks, which are set apart from the
// text itself. Every text stands for itself in its own direction.

import { useMemo } from "preact/hooks";

export interface Piece {
  text: string;
  /** What a mark stands for, in words; null for text as it is. */
  stands: string | null;
}

/** Whether spaces within a text are marked, or only those at its ends and next to each other. */
export type Spaces = "all" | "odd";

export type Between = [before?: string | undefined, after?: string | undefined];

const SIGNS: Record<string, [sign: string, stands: string]> = {
  "\n": ["⏎", "line end"],
  "\t": ["→", "tab"],
  "\ufffd": ["\ufffd", "bytes that are no character by themselves"],
};

/** The text in pieces, as they are shown; `between` are the characters before and after a part of a longer text. */
export function pieces(text: string, spaces: Spaces = "all", between: Between = []): Piece[] {
  if (text === "") return [{ text: "\"\"", stands: "empty" }];
  const found: Piece[] = [];
  let plain = "";
  const flush = () => {
    if (plain) found.push({ text: /^\p{M}/u.test(plain) ? `◌${plain}` : plain, stands: null });
    plain = "";
  };
  const characters = [...text];
  characters.forEach((character, at) => {
    const mark = markOf(character, characters[at - 1] ?? between[0], characters[at + 1] ?? between[1], spaces);
    if (!mark) {
      plain += character;
      return;
    }
    flush();
    found.push(mark);
  });
  flush();
  return found;
}

function markOf(character: string, before: string | undefined, after: string | undefined, spaces: Spaces): Piece | null {
  if (character === " ") {
    const isOdd = before === undefined || after === undefined || before === " " || after === " ";
    return spaces === "all" || isOdd ? { text: "·", stands: "space" } : null;
  }
  const sign = SIGNS[character];
  if (sign) return { text: sign[0], stands: sign[1] };
  if (!isUnseen(character)) return null;
  const code = `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
  return { text: `‹${code}›`, stands: code };
}

/** Control and format characters, spaces other than the usual one, halves of pairs, and what is no character. */
function isUnseen(character: string): boolean {
  const code = character.codePointAt(0) ?? 0;
  const isHangulFiller = code === 0x115f || code === 0x1160 || code === 0x3164 || code === 0xffa0;
  return /^[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Zs}]$/u.test(character) || (code & 0xfffe) === 0xfffe || isHangulFiller
    || code === 0x34f || (code >= 0xfe00 && code <= 0xfe0f) || (code >= 0xe0000 && code <= 0xe0fff);
}

/** The same as one string, for where marks cannot be set apart. */
export function visible(text: string, spaces: Spaces = "all"): string {
  return pieces(text, spaces).map((piece) => piece.text).join("");
}

/** As a screen reader should say it: "space, Seattle". */
export function spoken(text: string): string {
  return pieces(text).map((piece) => piece.stands ?? piece.text).join(", ");
}

/** The text, or its beginning and an ellipsis; no character is cut in two. */
export function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  const characters = [...text.slice(0, 2 * most + 2)];
  return characters.length <= most ? text : `${characters.slice(0, most - 1).join("")}…`;
}

interface TokenTextProps {
  text: string;
  /** The most characters; the whole text stands in the tooltip then. */
  most?: number;
  spaces?: Spaces;
}

/** A token, exactly, as something of its own: its direction does not spread. */
export function TokenText({ text, most = Infinity, spaces = "all" }: TokenTextProps) {
  const shown = cut(text, most);
  const isSpelled = spaces === "all" && pieces(shown).some((piece) => piece.stands !== null);
  return (
    <bdi class="token" title={shown === text ? undefined : visible(cut(text, 2000), spaces)}>
      <span aria-hidden={isSpelled || undefined}><Pieces text={shown} spaces={spaces} between={[]} /></span>
      {isSpelled && <span class="for-readers">{spoken(shown)}</span>}
    </bdi>
  );
}

/** A text such as a prompt: only what would not be seen is marked. */
export function PlainText({ text, most = Infinity }: Pick<TokenTextProps, "text" | "most">) {
  return <TokenText text={text} most={most} spaces="odd" />;
}

/** A part of a text, its marks set apart. */
export function Pieces({ text, spaces, between }: { text: string; spaces: Spaces; between: Between }) {
  const [before, after] = between;
  const list = useMemo(() => pieces(text, spaces, [before, after]), [text, spaces, before, after]);
  return <>{list.map(({ text, stands }, at) => (stands === null ? text : <span key={at} class="mark">{text}</span>))}</>;
}
