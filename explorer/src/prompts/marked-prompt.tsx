import type { PromptDetail, PromptRow } from "../data.ts";
import { cut, Pieces, PlainText } from "../token-text.tsx";

/** Longer texts are cut. */
const MOST = 5000;

/** A prompt before, in and after its subject; the last two are empty where the subject is not known. */
export function subjectParts(
  row: Pick<PromptRow, "prompt" | "subject">, detail: Pick<PromptDetail, "tokens" | "subject">,
): [before: string, subject: string, after: string] {
  const { tokens, subject } = detail;
  const at = row.subject ? row.prompt.indexOf(row.subject) : -1;
  // Tokens of bytes do not join to the text, so the text itself comes first. The first subject of several is traced.
  if (at >= 0) return [row.prompt.slice(0, at), row.subject, row.prompt.slice(at + row.subject.length)];
  if (!subject || tokens.length === 0) return [row.prompt || tokens.join(""), "", ""];
  return [tokens.slice(0, subject[0]).join(""), tokens.slice(...subject).join(""), tokens.slice(subject[1]).join("")];
}

/** A prompt with its subject marked, as one text in its own direction. */
export function MarkedPrompt({ parts: [before, subject, after] }: { parts: [string, string, string] }) {
  if (!subject) return <PlainText text={before} most={MOST} />;
  return (
    <bdi class="token">
      {before && <Pieces text={cut(before, MOST)} spaces="odd" between={[undefined, subject[0]]} />}
      <mark class="subject">
        <span class="for-readers">subject: </span>
        <Pieces text={cut(subject, MOST)} spaces="odd" between={[before.at(-1), after[0]]} />
        <span class="for-readers"> end of the subject. </span>
      </mark>
      {after && <Pieces text={cut(after, MOST)} spaces="odd" between={[subject.at(-1), undefined]} />}
    </bdi>
  );
}
