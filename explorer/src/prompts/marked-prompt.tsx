import type { PromptDetail, PromptRow } from "../data.ts";
import { PlainText } from "../token-text.tsx";

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

/** A prompt with its subject marked. */
export function MarkedPrompt({ parts: [before, subject, after] }: { parts: [string, string, string] }) {
  if (!subject) return <PlainText text={before} most={MOST} />;
  return (
    <span class="marked-prompt">
      {before && <PlainText text={before} most={MOST} between={[undefined, subject[0]]} />}
      <mark class="subject">
        <span class="for-readers">subject: </span>
        <PlainText text={subject} most={MOST} between={[before.at(-1), after[0]]} />
        <span class="for-readers"> end of the subject. </span>
      </mark>
      {after && <PlainText text={after} most={MOST} between={[subject.at(-1), undefined]} />}
    </span>
  );
}
