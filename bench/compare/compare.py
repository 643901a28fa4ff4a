"""Times the plain loop in PyTorch against causal-trace, in turns, and prints a table in Markdown."""

import argparse
import copy
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy
import torch
import transformers

from plain_loop import PlainLoop, random_model

SHAPES = {"gpt2": "12x768x12", "gpt2-medium": "24x1024x16", "gpt2-large": "36x1280x20", "gpt2-xl": "48x1600x25"}
TOKENIZER = Path(__file__).resolve().parents[2] / "tests/golden/gpt2/model"


def options():
    parser = argparse.ArgumentParser(prog="bench/compare/run", description=__doc__)
    parser.add_argument("--program", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--shape", default="gpt2", help="one of %s, or LAYERSxWIDTHxHEADS" % ", ".join(SHAPES))
    parser.add_argument("--component", default="residual", choices=["residual", "mlp"])
    parser.add_argument("--window", type=int, default=10, help="layers restored at once, for mlp")
    parser.add_argument("--tokens", type=int, default=9)
    parser.add_argument("--subject", type=int, default=4, help="tokens of the subject, which begins the prompt")
    parser.add_argument("--samples", type=int, default=10)
    parser.add_argument("--precisions", default="f32,bf16x6,bf16x3,bf16", help="ours, a list")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sites", type=int, default=12, help="sites that PyTorch's loop is timed on; 0: all of them")
    parser.add_argument("--last-logits", action="store_true", help="PyTorch computes the last token's logits only")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--check", action="store_true", help="only compare the numbers of both, on a small model")
    return parser.parse_args()


def main():
    asked = options()
    torch.set_num_threads(asked.threads)
    torch.set_grad_enabled(False)
    transformers.utils.logging.disable_progress_bar()
    print(machine(asked), flush=True)
    check(asked) if asked.check else compare(asked)


def machine(asked):
    cpu, flags = platform.processor(), ""
    if Path("/proc/cpuinfo").exists():
        fields = dict(line.split(":", 1) for line in Path("/proc/cpuinfo").read_text().splitlines() if ":" in line)
        fields = {key.strip(): value.strip() for key, value in fields.items()}
        cpu, flags = fields.get("model name", cpu), fields.get("flags", "")
    known = [flag for flag in ["avx2", "avx512f", "avx512_bf16", "amx_bf16"] if flag in flags.split()]
    load = ", ".join("%.1f" % load for load in os.getloadavg())
    return (
        f"{cpu} ({' '.join(known)}), {asked.threads} threads of {os.cpu_count()} processors, load {load}; "
        f"PyTorch {torch.__version__}, transformers {transformers.__version__}; {program(asked, '--version').strip()}"
    )


def program(asked, *arguments):
    done = subprocess.run([asked.program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"causal-trace {' '.join(arguments)}: {done.stderr}")
    return done.stdout


def compare(asked):
    layers, width, heads = map(int, SHAPES.get(asked.shape, asked.shape).split("x"))
    exact = random_model(layers, width, heads)
    ids = [1000 + 37 * token for token in range(asked.tokens)]
    noise = 0.1 * numpy.random.RandomState(1).randn(asked.samples, asked.subject, width)
    models = {"float32": exact, "bfloat16": copy.deepcopy(exact).to(torch.bfloat16)}
    loops = {
        name: PlainLoop(model, ids, (0, asked.subject), noise, asked.last_logits) for name, model in models.items()
    }
    every = loops["float32"].sites()
    count = min(asked.sites, len(every)) or len(every)
    sites = [every[(2 * place + 1) * len(every) // (2 * count)] for place in range(count)]
    answer = loops["float32"].clean_prediction()
    precisions = asked.precisions.split(",")
    theirs, passes, scores = {name: [] for name in loops}, {name: [] for name in loops}, {}
    ours, errors = {precision: [] for precision in precisions}, {}
    for loop in loops.values():
        loop.timed(asked.component, asked.window, sites[:2], answer)  # to warm up
    for turn in range(asked.rounds):
        print(f"round {turn + 1} of {asked.rounds}", file=sys.stderr, flush=True)
        for name, loop in loops.items():
            scores[name], first, rest = loop.timed(asked.component, asked.window, sites, answer)
            theirs[name].append(first + rest * len(every) / len(sites))
            passes[name].append(rest / len(sites))
        for precision in precisions:
            measured = bench(asked, precision, check=turn == 0)
            ours[precision].append(measured["seconds"])
            if turn == 0:
                errors[precision] = measured["largest_difference_from_f32"]
    print(described(asked, layers, len(sites), len(every)), end="\n\n")
    print(table(asked, theirs, ours, errors), end="\n\n")
    for name in loops:
        print(f"PyTorch {name}: {statistics.median(passes[name]):.4f} s a pass; rounds {listed(theirs[name])} s")
    for precision in precisions:
        print(f"ours {precision}: rounds {listed(ours[precision])} s")
    differences = numpy.abs(numpy.subtract(scores["float32"], scores["bfloat16"]))
    print(f"PyTorch's bfloat16 differs from its float32 by {differences.max():.1e} at most, on the sites timed")


def bench(asked, precision, check):
    arguments = [
        "bench", "--json", "--runs", "1", "--precision", precision, "--shape", asked.shape,
        "--component", asked.component, "--window", str(asked.window), "--tokens", str(asked.tokens),
        "--subject", str(asked.subject), "--samples", str(asked.samples), "--threads", str(asked.threads),
    ]
    return json.loads(program(asked, *arguments, *(["--check"] if check else [])))


def described(asked, layers, timed, sites):
    what = "residual grid" if asked.component == "residual" else f"mlp grid, windows of {asked.window} layers"
    how = "all timed" if timed == sites else f"{timed} timed at even distances and scaled to all"
    logits = "the last token's logits" if asked.last_logits else "all tokens' logits"
    return (
        f"{asked.shape}: {what}, {asked.tokens} tokens (the first {asked.subject} are the subject), {asked.samples} "
        f"samples; PyTorch's loop has {sites} sites, {how}, and computes {logits}; medians of {asked.rounds} rounds "
        f"in turn"
    )


def table(asked, theirs, ours, errors):
    exact, rounded = statistics.median(theirs["float32"]), statistics.median(theirs["bfloat16"])
    heads = ["shape", "precision", "largest error against float32", "ours, s", "PyTorch float32, s", "ratio",
             "PyTorch bfloat16, s", "ratio"]
    rows = [heads, ["---"] * len(heads)]
    for precision, rounds in ours.items():
        mine = statistics.median(rounds)
        error = "" if errors[precision] is None else f"{errors[precision]:.1e}"
        rows.append([asked.shape, precision, error, f"{mine:.3f}", f"{exact:.2f}", f"{exact / mine:.1f}",
                     f"{rounded:.2f}", f"{rounded / mine:.1f}"])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def listed(seconds):
    return ", ".join(f"{value:.3f}" for value in seconds)


def check(asked):
    """Both trace the same small model with the same noise; large weights, so that effects are large, too."""
    prompt, subject, level = "Vinson Massif is located in the continent of", "Vinson Massif", 0.5
    vocabulary = json.loads((TOKENIZER / "config.json").read_text())["vocab_size"]
    model = random_model(4, 128, 4, vocabulary, spread=0.2)
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        for name in ["tokenizer.json", "tokenizer_config.json"]:
            shutil.copy(TOKENIZER / name, folder)
        for precision in asked.precisions.split(","):
            out = Path(folder) / precision
            program(
                asked, "trace", "--model", folder, "--prompt", prompt, "--subject", subject, "--component",
                "residual,mlp", "--window", str(asked.window), "--noise", str(level), "--noise-stream", "rome",
                "--samples", str(asked.samples), "--precision", precision, "--out", str(out),
            )
            answer = json.loads((out / "trace.json").read_text())["baseline"]["answer_id"]
            for component, suffix in [("residual", ""), ("mlp", "_mlp")]:
                ours = numpy.load(out / f"trace{suffix}.npz")
                theirs = scores(model, ours, component, level, asked, answer)
                largest = numpy.abs(ours["scores"] - theirs).max()
                print(f"{precision}, {component}: scores from {theirs.min():.4f} to {theirs.max():.4f}, largest "
                      f"difference {largest:.1e}")
                if precision in ["f32", "bf16x6"] and largest > 2e-5:
                    sys.exit("the two do not compute the same")


def scores(model, ours, component, level, asked, answer):
    """PyTorch's scores of every site: [tokens, layers]."""
    first, end = ours["subject_range"]
    noise = level * numpy.random.RandomState(1).randn(asked.samples, end - first, model.config.n_embd)
    loop = PlainLoop(copy.deepcopy(model), ours["input_ids"].flatten().tolist(), (first, end), noise)
    found = [loop.score(component, asked.window, token, layer, answer) for token, layer in loop.sites()]
    return numpy.array(found).reshape(ours["scores"].shape)


if __name__ == "__main__":
    main()
