"""How often each token occurs in the subjects of ROME's facts, for each golden family.

Writes subject_tokens.json beside this file: {family: {token id: count}}, all that the noise level needs of the facts.
"""

import argparse
import collections
import json
import pathlib

from transformers import AutoTokenizer

HERE = pathlib.Path(__file__).parent


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("facts", type=pathlib.Path, help="ROME's known_1000.json")
    subjects = [fact["subject"] for fact in json.loads(parser.parse_args().facts.read_text())]
    lines = []
    for model in sorted(HERE.glob("*/model")):
        tokenizer = AutoTokenizer.from_pretrained(model)
        counts = collections.Counter(token for subject in subjects for token in tokenizer.encode(subject))
        counts = json.dumps(dict(sorted(counts.items())), separators=(",", ":"))
        lines.append(f'"{model.parent.name}": {counts}')
    (HERE / "subject_tokens.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
