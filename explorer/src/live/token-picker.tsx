import { useId, useRef, useState } from "preact/hooks";
import type { Tokens } from "../live.ts";
import { spoken, TokenText } from "../token-text.tsx";

interface TokenPickerProps {
  tokens: Tokens;
  subject: [number, number] | null;
  /** Whether the subject was guessed. */
  isGuess: boolean;
  /** Whether the prompt has changed since. */
  isOld: boolean;
  describedBy: string;
  onMark: (subject: [number, number]) => void;
}

/** The prompt's tokens, of which some in a row are marked: by a click, by dragging, or with the keys. */
export function TokenPicker({ tokens: { tokens }, subject, isGuess, isOld, describedBy, onMark }: TokenPickerProps) {
  const id = useId();
  const [active, setActive] = useState(0);
  const anchor = useRef(0);
  const isDragging = useRef(false);
  const last = tokens.length - 1;
  const at = Math.min(active, last);

  const mark = (from: number, to: number) => {
    const [first, end] = [Math.min(from, to), Math.max(from, to) + 1];
    if (!isOld && !tokens.slice(first, end).some((token) => token.special)) onMark([first, end]);
  };
  const go = (to: number, extends_: boolean) => {
    const next = Math.min(Math.max(to, 0), last);
    setActive(next);
    if (extends_) mark(anchor.current, next);
    else anchor.current = next;
  };
  const press = (event: KeyboardEvent) => {
    const to: Record<string, number> = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: last };
    const next = to[event.key];
    if (next !== undefined && !event.altKey && !event.metaKey) go(next, event.shiftKey);
    else if (event.key === " " || event.key === "Enter") mark(event.shiftKey ? anchor.current : at, at);
    else return;
    if (event.key === " " && !event.shiftKey) anchor.current = at;
    event.preventDefault();
  };
  const begin = (event: PointerEvent, token: number) => {
    if (event.button !== 0) return;
    // A finger would hold on to the token that it touched first.
    (event.target as Element).releasePointerCapture?.(event.pointerId);
    isDragging.current = true;
    setActive(token);
    if (!event.shiftKey) anchor.current = token;
    mark(anchor.current, token);
  };
  const drag = (event: PointerEvent, token: number) => {
    if (!isDragging.current || event.buttons === 0) return;
    setActive(token);
    mark(anchor.current, token);
  };
  return (
    <div
      class={`tokens${isOld ? " old" : ""}`}
      role="listbox"
      tabIndex={0}
      aria-multiselectable="true"
      aria-orientation="horizontal"
      aria-label="Tokens of the prompt; those of the subject are selected"
      aria-describedby={describedBy}
      aria-busy={isOld}
      aria-activedescendant={tokens.length > 0 ? `${id}-${at}` : undefined}
      onKeyDown={press}
      onPointerUp={() => (isDragging.current = false)}
      onPointerCancel={() => (isDragging.current = false)}
    >
      {tokens.map((token, index) => {
        const isMarked = subject !== null && index >= subject[0] && index < subject[1];
        const classes = [
          "token-chip", isMarked && "marked", isMarked && isGuess && "guessed", index === at && "active", token.special && "special",
        ];
        return (
          <div
            key={index}
            id={`${id}-${index}`}
            role="option"
            class={classes.filter(Boolean).join(" ")}
            aria-selected={isMarked}
            aria-disabled={token.special || undefined}
            aria-label={`${index}: ${spoken(token.text.slice(0, 200))}`}
            title={`token ${index}, id ${token.id}`}
            onPointerDown={(event) => begin(event, index)}
            onPointerEnter={(event) => drag(event, index)}
          >
            <TokenText text={token.text} most={200} />
          </div>
        );
      })}
    </div>
  );
}
