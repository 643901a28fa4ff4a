import type { Component } from "../data.ts";
import type { Corruption, Live, TraceSettings } from "../live.ts";
import { COMPONENT_NAMES } from "../words.ts";
import { Disclosure, Field, NumberField, Problem } from "./field.tsx";
import { isDrawn, takesNoise, type Problems } from "./form.ts";

interface SettingsProps {
  live: Live;
  settings: TraceSettings;
  problems: Problems;
  onChange: (patch: Partial<TraceSettings>) => void;
}

const COMPONENT_WORDS: Record<Component, string> = {
  residual: "all that is written at a token, after a layer",
  mlp: "what MLPs write, of several layers at once",
  attn: "what attention writes, of several layers at once",
  resid_pre: "all that is written at a token, before a layer",
  resid_mid: "the same between a layer’s attention and its MLP",
  mlp_severed: "after a layer, while the token’s MLPs stay as they were",
  attn_severed: "after a layer, while the token’s attention stays as it was",
};

const CORRUPTION_WORDS: Record<Corruption, string> = {
  noise: "Noise is added to the embeddings of the subject’s tokens.",
  noise_replace: "Noise takes the place of the embeddings of the subject’s tokens.",
  random_embedding: "Random embeddings, spread like the model’s own, take the place of the subject’s.",
  shuffle: "The subject’s embeddings come in another order. It needs two different tokens.",
  pair: "The corrupted run has another prompt of as many tokens. Nothing is random, so there is one sample.",
};

/** What is chosen of a list, in its order, after one of it was chosen or not. */
function chosenOf<T extends string>(list: { name: T }[], chosen: T[], name: T, isChosen: boolean): T[] {
  return list.map((item) => item.name).filter((other) => (other === name ? isChosen : chosen.includes(other)));
}

/** Which activations are restored. */
export function ComponentChoice({ live, settings, problems, onChange }: SettingsProps) {
  const usual = live.components.slice(0, 3);
  const others = live.components.slice(3);
  const choose = (name: Component, isChosen: boolean) => {
    onChange({ components: chosenOf(live.components, settings.components, name, isChosen) });
  };
  const box = ({ name }: { name: Component }) => (
    <label key={name} class="choice">
      <input
        type="checkbox" checked={settings.components.includes(name)}
        onChange={(event) => choose(name, event.currentTarget.checked)}
      />
      <span>{COMPONENT_NAMES[name]} <span class="hint">{COMPONENT_WORDS[name]}</span></span>
    </label>
  );
  return (
    <fieldset>
      <legend>What is {settings.direction === "denoise" ? "restored" : "corrupted"}</legend>
      {usual.map(box)}
      {others.length > 0 && (
        <Disclosure name="Others" isNeeded={others.some(({ name }) => settings.components.includes(name))}>
          {others.map(box)}
        </Disclosure>
      )}
      <Problem text={problems.components} />
    </fieldset>
  );
}

/** How the subject is obscured, and the rest of the settings. */
export function MoreSettings({ live, settings, problems, onChange }: SettingsProps) {
  const hasProblem = Boolean(problems.noise || problems.samples || problems.window || problems.seed);
  const others = live.metrics.filter(({ name }) => name !== "probability");
  const measure = (name: TraceSettings["metrics"][number], isChosen: boolean) => {
    onChange({ metrics: chosenOf(others, settings.metrics, name, isChosen) });
  };
  return (
    <Disclosure name="More settings" isNeeded={hasProblem}>
      <Field label="Corruption" hint={CORRUPTION_WORDS[settings.corruption]}>
        {(attributes) => (
          <select
            {...attributes} value={settings.corruption}
            onChange={(event) => onChange({ corruption: event.currentTarget.value as Corruption })}
          >
            {live.corruptions.map(({ name, label }) => <option key={name} value={name}>{label}</option>)}
          </select>
        )}
      </Field>
      {takesNoise(settings) && (
        <Field
          label="Noise"
          hint={(
            <>
              <code>s3</code>: three times the spread of the subjects’ embeddings; <code>0.1</code>: that standard deviation;{" "}
              <code>u1.5</code>: uniform; <code>t3</code>, <code>m</code>: spread like all token embeddings.
            </>
          )}
          problem={problems.noise}
        >
          {(attributes) => (
            <input {...attributes} type="text" size={8} autocomplete="off" spellcheck={false} value={settings.noise}
              onInput={(event) => onChange({ noise: event.currentTarget.value })} />
          )}
        </Field>
      )}
      {isDrawn(settings) && (
        <>
          <NumberField label="Samples" hint="How often the corruption is drawn. More samples take longer, and the mean is surer."
            problem={problems.samples} value={settings.samples} onChange={(samples) => onChange({ samples })} />
          <NumberField label="Seed" hint="The same seed draws the same corruption."
            problem={problems.seed} value={settings.seed} onChange={(seed) => onChange({ seed })} />
        </>
      )}
      <NumberField label="Window" hint="Layers restored at once, for MLP and attention."
        problem={problems.window} value={settings.window} onChange={(window) => onChange({ window })} />
      <Field label="Direction" hint={settings.direction === "denoise"
        ? "Clean states are put into the corrupted run; effects bring the answer back."
        : "Corrupted states are put into the clean run; effects take the answer away."}>
        {(attributes) => (
          <select
            {...attributes} value={settings.direction}
            onChange={(event) => onChange({ direction: event.currentTarget.value as TraceSettings["direction"] })}
          >
            <option value="denoise">restoring</option>
            <option value="noise">corrupting</option>
          </select>
        )}
      </Field>
      {others.length > 0 && (
        <fieldset>
          <legend>Measured beside the probability</legend>
          {others.map(({ name, label, unit }) => (
            <label key={name} class="choice">
              <input
                type="checkbox" checked={settings.metrics.includes(name)}
                onChange={(event) => measure(name, event.currentTarget.checked)}
              />
              <span>{label}{unit && <span class="hint"> in {unit}</span>}</span>
            </label>
          ))}
        </fieldset>
      )}
    </Disclosure>
  );
}
