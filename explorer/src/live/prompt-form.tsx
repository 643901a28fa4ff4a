import { useId } from "preact/hooks";
import type { Live } from "../live.ts";
import { count } from "../numbers.ts";
import { TokenText } from "../token-text.tsx";
import { Answers } from "./answers.tsx";
import { Field, Problem } from "./field.tsx";
import { answerOf, isDrawn, subjectOf, type Form, type Problems } from "./form.ts";
import { ComponentChoice, MoreSettings } from "./settings.tsx";
import { TokenPicker } from "./token-picker.tsx";
import type { PromptTokens } from "./use-tokens.ts";

interface PromptFormProps {
  live: Live;
  form: Form;
  prompt: PromptTokens;
  counterpart: PromptTokens;
  problems: Problems;
  onChange: (patch: Partial<Form>) => void;
}

/** What is traced, and how. */
export function PromptForm({ live, form, prompt, counterpart, problems, onChange }: PromptFormProps) {
  const change = (patch: Partial<Form["settings"]>) => onChange({ settings: { ...form.settings, ...patch } });
  const settings = { live, settings: form.settings, problems, onChange: change };
  return (
    <>
      <Field
        label="Prompt" hint={`The text up to, not including, the answer. ${size(prompt, live)} Ctrl and Enter run it.`}
        problem={problems.prompt || prompt.problem || undefined}
      >
        {(attributes) => (
          <textarea
            {...attributes} class="prompt-text" rows={3} spellcheck={false} value={form.prompt}
            onInput={(event) => onChange({ prompt: event.currentTarget.value })}
          />
        )}
      </Field>
      <Subject form={form} prompt={prompt} problem={problems.subject} onMark={(subject) => onChange({ subject })} />
      {!isDrawn(form.settings) && (
        <Field
          label="Prompt of the corrupted run" hint={`As many tokens as the prompt, as with another subject. ${size(counterpart, live)}`}
          problem={problems.counterpart || counterpart.problem || undefined}
        >
          {(attributes) => (
            <textarea
              {...attributes} class="prompt-text" rows={2} spellcheck={false} value={form.counterpart}
              onInput={(event) => onChange({ counterpart: event.currentTarget.value })}
            />
          )}
        </Field>
      )}
      {prompt.tokens && prompt.tokens.top.length > 0 && (
        <Answers tokens={prompt.tokens} answer={answerOf(form, prompt.tokens)} isOld={prompt.isOld} onChoose={(answer) => onChange({ answer })} />
      )}
      <ComponentChoice {...settings} />
      <MoreSettings {...settings} />
    </>
  );
}

function size({ tokens, isOld }: PromptTokens, live: Live): string {
  return tokens && !isOld ? `${count(tokens.tokens.length)} of at most ${count(live.max_tokens)} tokens.` : "";
}

interface SubjectProps {
  form: Form;
  prompt: PromptTokens;
  problem: string | undefined;
  /** Null for the guess. */
  onMark: (subject: [number, number] | null) => void;
}

/** The tokens that are corrupted. */
function Subject({ form, prompt: { tokens, isOld }, problem, onMark }: SubjectProps) {
  const id = useId();
  if (!tokens || tokens.tokens.length === 0) return null;
  const subject = subjectOf(form, tokens);
  const isGuess = subject !== form.subject;
  const text = subject && tokens.tokens.slice(...subject).map((token) => token.text).join("");
  return (
    <div class="field">
      <p class="label">Subject</p>
      <TokenPicker
        tokens={tokens} subject={subject} isGuess={isGuess} isOld={isOld} describedBy={`${id}-hint ${id}-chosen`} onMark={onMark}
      />
      <p id={`${id}-chosen`} role="status" class="chosen">
        {text === null ? "No subject." : <>{isGuess ? "Guessed: " : "Marked: "}<TokenText text={text} most={200} /></>}
        {!isGuess && tokens.subject && <button type="button" class="small" onClick={() => onMark(null)}>Guess again</button>}
      </p>
      <Problem text={problem} />
      <p class="hint" id={`${id}-hint`}>
        The part that is corrupted. Click a token, or drag over several; with the keys: arrows and space, shift and arrows for several.
      </p>
    </div>
  );
}
