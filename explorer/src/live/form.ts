// What the reader asks for: the form's values, how they stand in the address, and what is wrong with them.

import type { Live, JobRequest, Tokens, TraceSettings } from "../live.ts";
import type { View } from "../state.ts";

export interface Form {
  prompt: string;
  /** [first, end) in tokens; null for the guess. */
  subject: [number, number] | null;
  /** A token's id; null for the model's own prediction. */
  answer: number | null;
  counterpart: string;
  settings: TraceSettings;
}

/** The part of the view that holds the form. */
export type FormInView = Pick<View, "liveText" | "liveSubject" | "liveAnswer" | "liveCounterpart" | "liveSettings">;

export type Field = "prompt" | "subject" | "counterpart" | "components" | "noise" | "samples" | "window" | "seed";
export type Problems = Partial<Record<Field, string>>;

/** The numbers of the settings and where they must lie. */
const BOUNDS = { window: [1, 1000], samples: [1, 1000], seed: [0, Number.MAX_SAFE_INTEGER] } as const;

/** The form that the address holds; the model's example where it holds none. */
export function readForm(view: FormInView, live: Live): Form {
  const isFresh = view.liveText === "" && view.liveSettings === "";
  return {
    prompt: isFresh ? live.example?.prompt ?? "" : view.liveText,
    subject: readSpan(view.liveSubject),
    answer: view.liveAnswer,
    counterpart: view.liveCounterpart,
    settings: readSettings(view.liveSettings, live),
  };
}

export function writeForm(form: Form, live: Live): FormInView {
  return {
    liveText: form.prompt,
    liveSubject: form.subject ? form.subject.join("-") : "",
    liveAnswer: form.answer,
    liveCounterpart: form.counterpart,
    liveSettings: writeSettings(form.settings, live.defaults),
  };
}

function readSpan(text: string): [number, number] | null {
  const [, first, end] = /^(\d{1,6})-(\d{1,6})$/.exec(text) ?? [];
  const span: [number, number] = [Number(first), Number(end)];
  return span[0] < span[1] ? span : null;
}

/** Settings that differ from the defaults: "components:mlp,attn window:5". */
function writeSettings(settings: TraceSettings, defaults: TraceSettings): string {
  const keys = Object.keys(defaults) as (keyof TraceSettings)[];
  const texts = keys.map((key) => [key, String(settings[key]).replace(/\s/g, "")] as const);
  return texts.filter(([key, text]) => text !== String(defaults[key]) && text !== "NaN").map(([key, text]) => `${key}:${text}`).join(" ");
}

/** The defaults with what can be read of a text in their place. */
function readSettings(text: string, live: Live): TraceSettings {
  const given = new Map(text.split(" ").map((part) => [part.slice(0, part.indexOf(":")), part.slice(part.indexOf(":") + 1)]));
  const { defaults } = live;
  const list = <T extends string>(key: string, known: { name: T }[], start: T[]): T[] => {
    const asked = given.get(key)?.split(",");
    return asked ? known.map(({ name }) => name).filter((name) => asked.includes(name)) : start;
  };
  const whole = (key: keyof typeof BOUNDS): number => {
    const asked = given.get(key) ?? "";
    const [low, high] = BOUNDS[key];
    const number = /^\d{1,16}$/.test(asked) ? Number(asked) : Number.NaN;
    return number >= low && number <= high ? number : defaults[key];
  };
  const components = list("components", live.components, defaults.components);
  return {
    components: components.length > 0 ? components : defaults.components,
    window: whole("window"),
    direction: (["denoise", "noise"] as const).find((direction) => direction === given.get("direction")) ?? defaults.direction,
    corruption: live.corruptions.find(({ name }) => name === given.get("corruption"))?.name ?? defaults.corruption,
    noise: given.get("noise") ?? defaults.noise,
    samples: whole("samples"),
    seed: whole("seed"),
    metrics: list("metrics", live.metrics, defaults.metrics),
  };
}

/** Whether nothing is drawn, so that there is one sample. */
export function isDrawn({ corruption }: TraceSettings): boolean {
  return corruption !== "pair";
}

export function takesNoise({ corruption }: TraceSettings): boolean {
  return corruption === "noise" || corruption === "noise_replace";
}

/** What must be put right before the form can be sent. `counterpart` are the tokens of the other prompt, once known. */
export function problemsOf(form: Form, tokens: Tokens | null, counterpart: Tokens | null, live: Live): Problems {
  const { settings } = form;
  const problems: Problems = {};
  const set = (field: Field, problem: string | null) => problem && (problems[field] = problem);
  set("prompt", promptProblem(form.prompt, tokens, live));
  set("subject", tokens && !subjectOf(form, tokens) ? "Mark the tokens of the subject." : null);
  if (settings.components.length === 0) set("components", "Choose at least one.");
  if (takesNoise(settings) && !isNoiseRule(settings.noise)) {
    set("noise", "Not a noise rule. Write s3 (three standard deviations), a number as 0.1, u1.5, t3 (more than 2), or m.");
  }
  if (isDrawn(settings)) {
    set("samples", outside(settings.samples, 1, live.max_samples));
    set("seed", outside(settings.seed, ...BOUNDS.seed));
  } else {
    set("counterpart", counterpartProblem(form, tokens, counterpart));
  }
  set("window", outside(settings.window, ...BOUNDS.window));
  return problems;
}

function promptProblem(prompt: string, tokens: Tokens | null, live: Live): string | null {
  if (prompt === "") return "Write a prompt.";
  const bytes = new TextEncoder().encode(prompt).length;
  if (bytes > live.max_prompt_bytes) return `The prompt has ${bytes} bytes; this server takes at most ${live.max_prompt_bytes}.`;
  const n = tokens?.tokens.length ?? 0;
  return n > live.max_tokens ? `The prompt has ${n} tokens; the model takes at most ${live.max_tokens}.` : null;
}

function counterpartProblem(form: Form, tokens: Tokens | null, counterpart: Tokens | null): string | null {
  if (form.counterpart === "") return "Write the prompt of the corrupted run.";
  if (!tokens || !counterpart) return null;
  const [n, other] = [tokens.tokens.length, counterpart.tokens.length];
  if (n !== other) return `It has ${other} tokens and the prompt has ${n}; they must be as many.`;
  return tokens.tokens.every(({ id }, at) => id === counterpart.tokens[at]?.id) ? "It has the same tokens as the prompt." : null;
}

function isNoiseRule(rule: string): boolean {
  const number = "(\\d+\\.?\\d*|\\.\\d+)(e-?\\d{1,2})?";
  const [, degrees] = new RegExp(`^t(${number})$`).exec(rule) ?? [];
  return degrees !== undefined ? Number(degrees) > 2 : new RegExp(`^([su]?${number}|m)$`).test(rule);
}

function outside(value: number, low: number, high: number): string | null {
  return Number.isInteger(value) && value >= low && value <= high ? null : `A whole number from ${low} to ${high}.`;
}

/** The subject that is sent: what was marked, or else the guess. */
export function subjectOf(form: Form, tokens: Tokens): [number, number] | null {
  const marked = form.subject;
  return marked && marked[1] <= tokens.tokens.length ? marked : tokens.subject;
}

/** The chosen answer, if the model still has it among its likeliest; null for its own prediction. */
export function answerOf({ answer }: Form, { top }: Tokens): number | null {
  return top.some(({ id }) => id === answer) ? answer : null;
}

export function requestOf(form: Form, tokens: Tokens, subject: [number, number]): JobRequest {
  const settings = isDrawn(form.settings) ? form.settings : { ...form.settings, samples: 1 };
  const counterpart = isDrawn(settings) ? null : form.counterpart;
  return { prompt: form.prompt, subject, answer: answerOf(form, tokens), counterpart, settings };
}

/** Whether a request differs from what the form asks for now. `tokens` are the prompt's, once known. */
export function isEarlier(request: JobRequest, form: Form, tokens: Tokens | null): boolean {
  if (form.prompt !== request.prompt) return true;
  // Until the tokens are known, the subject and the answer are as they were asked for.
  const subject = tokens && subjectOf(form, tokens);
  const asked = requestOf(form, tokens ?? { tokens: [], top: [], subject: null }, subject ?? request.subject);
  return JSON.stringify(tokens ? asked : { ...asked, answer: request.answer }) !== JSON.stringify(request);
}

/**
 * Where marked tokens are after the prompt was edited: the same texts in a row, as near as they can be to where they were;
 * null where they are gone.
 */
export function carried(marked: [number, number], before: Tokens, now: Tokens): [number, number] | null {
  const [first, end] = marked;
  const texts = before.tokens.slice(first, end).map((token) => token.text);
  const length = texts.length;
  let best: number | null = null;
  for (let start = 0; start + length <= now.tokens.length; start++) {
    const isHere = texts.every((text, at) => now.tokens[start + at]?.text === text);
    if (isHere && (best === null || Math.abs(start - first) < Math.abs(best - first))) best = start;
  }
  return best === null || length === 0 ? null : [best, best + length];
}
