import type { ComponentChildren } from "preact";
import { useId, useState } from "preact/hooks";

interface FieldProps {
  label: string;
  hint: ComponentChildren;
  problem?: string | undefined;
  /** The control, with what ties it to the label, the hint and the problem. */
  children: (attributes: { id: string; "aria-describedby": string; "aria-invalid": boolean }) => ComponentChildren;
}

/** A labelled control, with what it means and what is wrong with it. */
export function Field({ label, hint, problem, children }: FieldProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({ id, "aria-describedby": `${id}-hint${problem ? ` ${id}-problem` : ""}`, "aria-invalid": problem !== undefined })}
      <Problem id={`${id}-problem`} text={problem} />
      <p class="hint" id={`${id}-hint`}>{hint}</p>
    </div>
  );
}

export function Problem({ id, text }: { id?: string; text: string | undefined }) {
  return text ? <p class="problem" id={id}>{text}</p> : null;
}

/** What is shown when it is asked for, or while it must be seen. */
export function Disclosure({ name, isNeeded, children }: { name: string; isNeeded: boolean; children: ComponentChildren }) {
  const [isOpen, setOpen] = useState(isNeeded);
  return (
    <details open={isOpen || isNeeded} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{name}</summary>
      {children}
    </details>
  );
}

interface NumberFieldProps {
  label: string;
  hint: string;
  problem: string | undefined;
  value: number;
  onChange: (value: number) => void;
}

/** A whole number; NaN while what is written is none. */
export function NumberField({ label, hint, problem, value, onChange }: NumberFieldProps) {
  const [text, setText] = useState(String(value));
  const read = (text: string) => (/^\d{1,16}$/.test(text.trim()) ? Number(text) : Number.NaN);
  const shown = Number.isNaN(value) || read(text) === value ? text : String(value);
  return (
    <Field label={label} hint={hint} problem={problem}>
      {(attributes) => (
        <input
          {...attributes} type="text" inputMode="numeric" size={8} autocomplete="off" value={shown}
          onInput={(event) => {
            setText(event.currentTarget.value);
            onChange(read(event.currentTarget.value));
          }}
        />
      )}
    </Field>
  );
}
