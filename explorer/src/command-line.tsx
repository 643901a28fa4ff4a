import { useRef, useState } from "preact/hooks";

/**
 * A text in parts of which each ends after a character that turns the direction of what follows, so that a prompt cannot
 * make a command look like another one. Together they are the text, to be copied as it is.
 */
export function inOrder(text: string): string[] {
  return text.split(/(?<=[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069])/u);
}

/** A command and a button that copies it. */
export function CommandLine({ label, command }: { label: string; command: string }) {
  const code = useRef<HTMLElement>(null);
  const [said, say] = useState("");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(command);
      say("Copied.");
    } catch {
      if (code.current) getSelection()?.selectAllChildren(code.current);
      say("The browser does not let this page copy; the command is marked, so copy it with the keyboard.");
    }
  };
  return (
    <div class="command-line">
      <p>{label} <button type="button" onClick={() => void copy()}>Copy</button> <span role="status" class="quiet">{said}</span></p>
      <pre><code ref={code}>{inOrder(command).map((part, at) => <bdi key={at} dir="ltr">{part}</bdi>)}</code></pre>
    </div>
  );
}
