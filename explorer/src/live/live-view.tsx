import "./live.css";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { useExplorer } from "../explorer.tsx";
import type { Live, Tokens } from "../live.ts";
import { json } from "../source.ts";
import { carried, isEarlier, problemsOf, readForm, requestOf, subjectOf, writeForm, type Form } from "./form.ts";
import { isOver } from "./job.ts";
import { PromptForm } from "./prompt-form.tsx";
import { Result } from "./result.tsx";
import { useRunning } from "./use-job.ts";
import { useTokens, type PromptTokens } from "./use-tokens.ts";

/** A prompt of one's own, traced while one looks on. */
export function LiveView() {
  const [live, setLive] = useState<Live | null>(null);
  const [problem, setProblem] = useState("");
  useEffect(() => {
    json<Live>("/api/live").then(setLive, (error: unknown) => setProblem(error instanceof Error ? error.message : String(error)));
  }, []);
  if (problem) return <p class="notice problem" role="alert">Nothing can be traced: {problem}</p>;
  if (!live) return <p class="waiting" role="status">Asking for the model …</p>;
  return <Tracing live={live} />;
}

function Tracing({ live }: { live: Live }) {
  const [form, change] = useForm(live);
  const prompt = useTokens(form.prompt, live.max_prompt_bytes);
  const counterpart = useTokens(form.settings.corruption === "pair" ? form.counterpart : "", live.max_prompt_bytes);
  useMarkedTokens(form, prompt, change);
  const { job, request, isSent, problem, run, cancel } = useRunning();
  const result = useRef<HTMLElement>(null);

  const known = prompt.isOld ? null : prompt.tokens;
  const problems = problemsOf(form, known, counterpart.isOld ? null : counterpart.tokens, live);
  const subject = known && subjectOf(form, known);
  const isReady = subject !== null && Object.keys(problems).length === 0 && !counterpart.isOld;
  const isBusy = isSent || (job !== null && !isOver(job));
  const begin = (event: Event) => {
    event.preventDefault();
    if (!isReady || !known) return;
    run(requestOf(form, known, subject));
    if (result.current && result.current.getBoundingClientRect().top > 0.8 * innerHeight) result.current.scrollIntoView();
  };
  return (
    <>
      <h1>Live <span class="quiet">{live.description}</span></h1>
      <div class="live">
        <form class="live-form" onSubmit={begin} onKeyDown={submitByKeys} aria-label="What to trace">
          <PromptForm live={live} form={form} prompt={prompt} counterpart={counterpart} problems={problems} onChange={change} />
          <p class="run">
            <button type="submit" class="main" disabled={!isReady}>{isBusy ? "Run again" : "Run"}</button>
            <button type="button" disabled={!isBusy || isSent} onClick={cancel}>Cancel</button>
            {!isReady && <span class="quiet">{prompt.isOld ? "Reading the prompt …" : "Something above must be put right first."}</span>}
          </p>
          {problem && <p class="problem" role="alert">Not started: {problem}</p>}
        </form>
        <section ref={result} class="live-result" aria-label="The trace">
          {job && request && <Result live={live} job={job} request={request} isEarlier={isEarlier(request, form, known)} />}
          {!job && <p class="quiet">{isSent ? "Asking for the trace …" : "The map appears here, site by site, once you press Run."}</p>}
        </section>
      </div>
    </>
  );
}

/** In a text of several lines Enter alone is a line end. */
function submitByKeys(event: KeyboardEvent & { currentTarget: HTMLFormElement }): void {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) event.currentTarget.requestSubmit();
}

/** The form, which the address follows. An address from elsewhere, as after going back, is followed by the form. */
function useForm(live: Live): [Form, (patch: Partial<Form>) => void] {
  const { view, change } = useExplorer();
  const [form, setForm] = useState(() => readForm(view, live));
  const written = useRef(JSON.stringify(writeForm(form, live)));
  const { liveText, liveSubject, liveAnswer, liveCounterpart, liveSettings } = view;
  const inAddress = JSON.stringify({ liveText, liveSubject, liveAnswer, liveCounterpart, liveSettings });
  const followed = useRef(inAddress);
  // Before the next key: later, the view that one key made would be taken for another's, and the key after it undone.
  useLayoutEffect(() => {
    if (inAddress === followed.current) return;
    followed.current = inAddress;
    if (inAddress !== written.current) setForm(readForm(view, live));
  }, [inAddress, view, live]);
  const put = (patch: Partial<Form>) => {
    const next = { ...form, ...patch };
    setForm(next);
    const part = writeForm(next, live);
    written.current = JSON.stringify(part);
    change(part);
  };
  return [form, put];
}

/** Keeps the marked subject where it is while the prompt is edited around it. */
function useMarkedTokens(form: Form, prompt: PromptTokens, change: (patch: Partial<Form>) => void): void {
  const marked = useRef<{ subject: [number, number]; tokens: Tokens } | null>(null);
  const { tokens, isOld } = prompt;
  const { subject } = form;
  useEffect(() => {
    if (!subject || !tokens || isOld) return;
    const before = marked.current;
    // One that was marked just now, or came with the address, belongs to these tokens.
    const now = before?.subject === subject && before.tokens !== tokens ? carried(subject, before.tokens, tokens) : subject;
    const isSame = now?.join() === subject.join();
    marked.current = now && { subject: isSame ? subject : now, tokens };
    if (!isSame) change({ subject: now });
  }, [subject, tokens, isOld, change]);
}
