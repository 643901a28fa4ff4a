import { useRef, useState } from "preact/hooks";

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
      <pre><code ref={code}>{command}</code></pre>
    </div>
  );
}
