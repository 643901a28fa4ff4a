"""Causal tracing as it is usually done: the whole model once for every site, with forward hooks.

The first row of the batch is the clean prompt, the others have noise on the subject's embeddings; the hooks put the
first row's state in place of the others' at one token, after one layer (or for the mlp, in a window of layers).
"""

import time

import torch
from transformers import GPT2Config, GPT2LMHeadModel


def random_model(layers, width, heads, vocabulary=50257, spread=0.02):
    """A GPT-2 with random weights, in float32.

    The logits have a standard deviation of 8, so that the most probable tokens have probabilities as a trained model's.
    """
    torch.manual_seed(0)
    config = GPT2Config(
        n_layer=layers, n_embd=width, n_head=heads, vocab_size=vocabulary, n_positions=1024,
        initializer_range=spread, bos_token_id=0, eos_token_id=0,
    )
    model = GPT2LMHeadModel(config).eval()
    with torch.no_grad():
        model.transformer.ln_f.weight.fill_(8 / (spread * width**0.5))
    return model


class PlainLoop:
    """One prompt, its noise, and a model to be run again and again."""

    def __init__(self, model, ids, subject, noise, last_logits_only=False):
        """`ids`: the prompt's tokens; `subject`: the range of its tokens; `noise`: [samples, subject, width]."""
        self.model = model
        self.blocks = model.transformer.h
        self.rows = torch.tensor([ids]).repeat(len(noise) + 1, 1)
        self.subject = slice(subject[0], subject[1])
        self.noise = torch.as_tensor(noise)
        self.options = {"use_cache": False, "logits_to_keep": 1 if last_logits_only else 0}
        model.transformer.wte.register_forward_hook(self._corrupt)

    def _corrupt(self, _module, _inputs, embeddings):
        # Added before it is rounded to the model's type, as ROME does.
        embeddings[1:, self.subject] += self.noise
        return embeddings

    def probabilities(self):
        """Of every token after the last one: [rows, vocabulary], in float32."""
        return torch.softmax(self.model(self.rows, **self.options).logits[:, -1].float(), dim=-1)

    def sites(self):
        return [(token, layer) for token in range(self.rows.shape[1]) for layer in range(len(self.blocks))]

    def patched_modules(self, component, layer, window):
        if component == "residual":
            return [self.blocks[layer]]
        first, end = max(0, layer - window // 2), min(len(self.blocks), layer - (-window // 2))
        return [self.blocks[place].mlp for place in range(first, end)]

    def score(self, component, window, token, layer, answer):
        """The answer's mean probability with one site restored."""

        def restore(_module, _inputs, output):
            states = output[0] if isinstance(output, tuple) else output
            states[1:, token] = states[:1, token]
            return output

        modules = self.patched_modules(component, layer, window)
        hooks = [module.register_forward_hook(restore) for module in modules]
        try:
            return self.probabilities()[1:, answer].mean().item()
        finally:
            for hook in hooks:
                hook.remove()

    def clean_prediction(self):
        return self.probabilities()[0].argmax().item()

    def timed(self, component, window, sites, answer):
        """Scores of some sites, and the seconds that they and the unpatched pass took."""
        start = time.perf_counter()
        self.probabilities()
        first = time.perf_counter()
        scores = [self.score(component, window, token, layer, answer) for token, layer in sites]
        return scores, first - start, time.perf_counter() - first
