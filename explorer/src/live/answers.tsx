import type { Tokens } from "../live.ts";
import { number, percent } from "../numbers.ts";
import { TokenText } from "../token-text.tsx";

interface AnswersProps {
  tokens: Tokens;
  /** The chosen token's id; null for the likeliest. */
  answer: number | null;
  isOld: boolean;
  onChoose: (answer: number | null) => void;
}

/** The model's likeliest next tokens, one of which is the answer. */
export function Answers({ tokens: { top }, answer, isOld, onChoose }: AnswersProps) {
  const chosen = answer ?? top[0]?.id;
  return (
    <fieldset class={`answers${isOld ? " old" : ""}`} aria-busy={isOld}>
      <legend>Answer</legend>
      <p class="hint">The token whose probability is measured: the model's likeliest next tokens, with their probabilities.</p>
      {top.map(({ id, text, probability }, at) => (
        <label key={id} class="answer">
          <input type="radio" name="answer" checked={id === chosen} onChange={() => onChoose(at === 0 ? null : id)} />
          <span class="answer-text"><TokenText text={text} most={60} /></span>
          <span class="answer-bar" aria-hidden="true"><span style={{ width: `${100 * probability}%` }} /></span>
          <span class="answer-number" title={percent(probability)}>{number(probability)}</span>
        </label>
      ))}
    </fieldset>
  );
}
