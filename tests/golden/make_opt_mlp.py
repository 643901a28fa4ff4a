"""Causal traces of the golden OPT's mlp with the patch at the token, where ROME's hook misses it.

Writes opt/rome-s3-mlp-by-token/ beside this file: the same keys as ROME's case files.
"""

import json
import pathlib
import shutil

import numpy as np
import torch
from transformers import AutoModelForCausalLM

HERE = pathlib.Path(__file__).parent
SOURCE = HERE / "opt" / "rome-s3"
TARGET = HERE / "opt" / "rome-s3-mlp-by-token"


def answer_probabilities(model, ids, noise, span, answer, layers, token):
    """Row 0 is clean, the others corrupted; the mlp's output of `token` in `layers` is row 0's in all rows."""
    rows, length = 1 + noise.shape[0], ids.shape[0]

    def corrupt(_module, _inputs, output):
        output = output.clone()
        output[1:, span[0] : span[1]] += noise
        return output

    def restore(_module, _inputs, output):
        by_token = output.clone().view(rows, length, -1)
        by_token[1:, token] = by_token[0, token]
        return by_token.view(output.shape)

    decoder = model.model.decoder
    hooks = [decoder.embed_tokens.register_forward_hook(corrupt)]
    hooks += [decoder.layers[layer].fc2.register_forward_hook(restore) for layer in layers]
    with torch.no_grad():
        logits = model(ids.repeat(rows, 1)).logits[:, -1]
    for hook in hooks:
        hook.remove()
    return torch.softmax(logits, dim=-1)[:, answer]


def main():
    model = AutoModelForCausalLM.from_pretrained(HERE / "opt" / "model", dtype=torch.float32).eval()
    meta = json.loads((SOURCE / "meta.json").read_text())
    n_layers, width = model.config.num_hidden_layers, meta["window"]
    TARGET.mkdir(exist_ok=True)
    shutil.copy(SOURCE / "meta.json", TARGET)
    for path in sorted(SOURCE.glob("knowledge_*_mlp.npz")):
        case = dict(np.load(path))
        ids = torch.from_numpy(case["input_ids"])
        span = case["subject_range"]
        random = np.random.RandomState(1)
        noise = meta["noise_level"] * random.randn(meta["samples"], span[1] - span[0], model.config.hidden_size)
        noise = torch.from_numpy(noise)
        with torch.no_grad():
            answer = int(model(ids[None]).logits[0, -1].argmax())
        for token in range(len(ids)):
            for layer in range(n_layers):
                window = range(max(0, layer - width // 2), min(n_layers, layer + (width + 1) // 2))
                patched = answer_probabilities(model, ids, noise, span, answer, window, token)
                case["scores"][token, layer] = patched[1:].mean()
        np.savez(TARGET / path.name, **case)


if __name__ == "__main__":
    main()
