"""Averages over a folder of ROME's case files, computed with NumPy and nothing of this repository.

    python summarise.py FOLDER [--roles rome|dannyallover] [--direction denoise|noise]

Prints part of what `causal-trace summary --json` prints, under the same keys. Effects are taken from
`indirect_effect` and `percent_improvement` where a file has them, else computed from `samples`, else from `scores`.
"""

import argparse
import json
import re
from pathlib import Path

import numpy as np

ROLES = ["first_subject", "middle_subject", "last_subject", "first_subsequent", "further", "last"]
COMPONENTS = {"": "residual", "mlp": "mlp", "attn": "attn"}


def roles_of(convention, begin, end, length, token):
    """The roles of a token, as numbers into ROLES."""
    if token < begin:
        return []
    if token < end:
        if token == begin:
            both = convention == "rome" and end == begin + 1
            return [0, 2] if both else [0]
        return [2] if token == end - 1 else [1]
    is_last = token == length - 1
    if token == end:
        return [3, 5] if is_last and convention == "rome" else [3]
    return [5] if is_last else [4]


def effects_of(case, direction):
    """IE and PI, both [tokens, layers], and the standard error of IE, where samples are known."""
    clean, corrupted = float(case["high_score"]), float(case["low_score"])
    base = corrupted if direction == "denoise" else clean
    scores = case["scores"].astype(np.float64)
    effect = scores - base
    span = abs(clean - corrupted)
    improvement = effect / span if span else np.zeros_like(effect)
    error = None
    if "samples" in case and "corrupted_samples" in case:
        samples = case["samples"].astype(np.float64)
        low = case["corrupted_samples"].astype(np.float64)
        bases = low if direction == "denoise" else np.full_like(low, clean)
        effect = (samples - bases).mean(axis=2)
        spans = np.abs(clean - low)
        safe = np.where(spans == 0, 1, spans)
        improvement = np.where(spans == 0, 0, (samples - bases) / safe).mean(axis=2)
        if samples.shape[2] > 1:
            error = (samples - bases).std(axis=2, ddof=1) / np.sqrt(samples.shape[2])
    if "indirect_effect" in case:
        effect = case["indirect_effect"].astype(np.float64)
    if "percent_improvement" in case:
        improvement = case["percent_improvement"].astype(np.float64)
    return effect, improvement, error


def listed(table):
    """Nested lists with None for NaN."""
    return [[None if np.isnan(value) else float(value) for value in row] for row in table]


def summary_of(cases, convention, direction):
    sign = 1 if direction == "denoise" else -1
    layers = cases[0]["scores"].shape[1]
    effects, improvements, errors, by_prompt = ([[] for _ in ROLES] for _ in range(4))
    peaks, without_peak = np.zeros((6, layers), int), 0
    role_peaks = np.zeros((6, layers), int)
    for case in cases:
        effect, improvement, error = effects_of(case, direction)
        begin, end = (int(place) for place in case["subject_range"])
        of_prompt = [[] for _ in ROLES]
        largest, place = 0.0, None
        for token in range(len(effect) if begin >= 0 else 0):
            roles = roles_of(convention, begin, end, len(effect), token)
            for role in roles:
                of_prompt[role].append(effect[token])
                improvements[role].append(improvement[token])
                if error is not None:
                    errors[role].append(error[token])
            if roles and (sign * effect[token]).max() > largest:
                layer = int(np.argmax(sign * effect[token]))
                largest, place = sign * effect[token][layer], (roles[-1], layer)
        if place:
            peaks[place] += 1
        else:
            without_peak += 1
        for role, rows in enumerate(of_prompt):
            effects[role].extend(rows)
            if rows:
                by_prompt[role].append(np.mean(rows, axis=0))
                if (sign * np.array(rows)).max() > 0:
                    role_peaks[role, np.argmax(sign * np.array(rows)) % layers] += 1
    nothing = np.full(layers, np.nan)
    mean = lambda rows: np.mean(rows, axis=0) if len(rows) else nothing
    deviation = lambda rows: np.std(rows, axis=0, ddof=1) if len(rows) > 1 else nothing
    wrong = lambda rows: np.mean(sign * np.array(rows) < 0, axis=0) if len(rows) else nothing
    return {
        "layers": layers,
        "roles": ROLES,
        "counts": [len(rows) for rows in effects],
        "prompt_counts": [len(rows) for rows in by_prompt],
        "average_indirect_effect": listed(map(mean, effects)),
        "sd_indirect_effect": listed(map(deviation, effects)),
        "average_percent_improvement": listed(map(mean, improvements)),
        "sd_percent_improvement": listed(map(deviation, improvements)),
        "wrong_direction_share": listed(map(wrong, by_prompt)),
        "noise_error": listed(map(mean, errors)),
        "peaks": peaks.tolist(),
        "without_peak": without_peak,
        "role_peaks": role_peaks.tolist(),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--roles", choices=["rome", "dannyallover"], default="rome")
    parser.add_argument("--direction", choices=["denoise", "noise"], default="denoise")
    args = parser.parse_args()
    cases, skipped = {}, set()
    for path in sorted(args.folder.iterdir()):
        found = re.fullmatch(r"knowledge_(-?\d+)(?:_(mlp|attn))?\.npz", path.name)
        if not found:
            continue
        with np.load(path) as file:
            case = {key: file[key] for key in file.files}
        if "scores" not in case:
            skipped.add(found[1])
            continue
        cases.setdefault(found[2] or "", []).append(case)
    first = next(iter(cases.values()))
    clean = np.mean([float(case["high_score"]) for case in first])
    corrupted = np.mean([float(case["low_score"]) for case in first])
    print(json.dumps({
        "prompts": len(first),
        "skipped": {"wrong_prediction": len(skipped)} if skipped else {},
        "average_total_effect": clean - corrupted,
        "mean_clean": clean,
        "mean_corrupted": corrupted,
        "components": {
            COMPONENTS[kind]: summary_of(of_kind, args.roles, args.direction) for kind, of_kind in cases.items()
        },
    }))


if __name__ == "__main__":
    main()
