"""Makes the small tokenizers that tests/tokenizer.rs reads, and what they give: python make_tokenizers.py

Made with tokenizers 0.23.3 and transformers 5.24.0. expected.json holds the ids that transformers gives.
"""

import json
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import GPT2Tokenizer, PreTrainedTokenizerFast

OUT = Path(__file__).parent / "tokenizers"
TEXTS = [
    "The Space Needle is in the city of Seattle",
    "The Eiffel Tower is in the city of Paris",
    "Tom went to Paris and Paris went to Tom",
    "The mother tongue of the singer is French",
]
PROMPTS = [
    *TEXTS,
    "Tom",
    "  two  spaces  here",
    "The caf\u00e9 in Z\u00fcrich",
    "\u6771\u4eac is in \u65e5\u672c",
    "<|endoftext|>Paris is",
    "Tom 's \U0001f600\ttab\nline",
]
END = "<|endoftext|>"


def trained(tokenizer, **settings):
    tokenizer.train_from_iterator(TEXTS, trainers.BpeTrainer(show_progress=False, **settings))
    return tokenizer


def byte_level():
    """GPT-2's kind, with the padding, truncation and trimmed offsets that some published files have."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=True)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trained(tokenizer, vocab_size=320, initial_alphabet=alphabet, special_tokens=[END])
    folder = OUT / "vocab_merges"
    folder.mkdir(exist_ok=True)
    tokenizer.model.save(str(folder))
    settings = {"tokenizer_class": "GPT2Tokenizer", "add_bos_token": True}
    settings["bos_token"] = {"__type": "AddedToken", "content": END, "normalized": True}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n")
    tokenizer.enable_truncation(4)
    tokenizer.enable_padding(length=50)
    return tokenizer


def sentencepiece(prepend):
    """Llama's kind, or without the prepended space Gemma's."""
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    trained(tokenizer, vocab_size=340, special_tokens=["<unk>", "<s>"] + [f"<0x{byte:02X}>" for byte in range(256)])
    steps = [normalizers.Prepend("\u2581")] if prepend else []
    tokenizer.normalizer = normalizers.Sequence([*steps, normalizers.Replace(" ", "\u2581")])
    tokenizer.pre_tokenizer = None
    strip = [decoders.Strip(" ", 1, 0)] if prepend else []
    replace = decoders.Replace("\u2581", " ")
    tokenizer.decoder = decoders.Sequence([replace, decoders.ByteFallback(), decoders.Fuse(), *strip])
    template = {"single": "<s> $A", "pair": "<s> $A $B", "special_tokens": [("<s>", 1)]}
    tokenizer.post_processor = processors.TemplateProcessing(**template)
    content = json.loads(tokenizer.to_str())
    # Published files have the bytes in the vocabulary only.
    content["added_tokens"] = content["added_tokens"][:2]
    return Tokenizer.from_str(json.dumps(content))


def word_piece():
    """Lower case, whole words."""
    words = ["[UNK]", *"the space needle tower is in city of paris seattle tom".split(), "##s"]
    vocab = {word: index for index, word in enumerate(words)}
    tokenizer = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.decoder = decoders.WordPiece()
    return tokenizer


def main():
    OUT.mkdir(exist_ok=True)
    tokenizers = {
        "byte_level": byte_level(),
        "prepended_space": sentencepiece(True),
        "kept_spaces": sentencepiece(False),
        "word_piece": word_piece(),
    }
    expected = {}
    for name, tokenizer in tokenizers.items():
        folder = OUT / name
        folder.mkdir(exist_ok=True)
        (folder / "tokenizer.json").write_text(tokenizer.to_str())
        tokenizer.no_truncation()
        tokenizer.no_padding()
        fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer)
        expected[name] = {prompt: fast(prompt)["input_ids"] for prompt in PROMPTS}
    gpt2 = GPT2Tokenizer.from_pretrained(OUT / "vocab_merges")
    expected["vocab_merges"] = {prompt: gpt2(prompt)["input_ids"] for prompt in PROMPTS}
    (OUT / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


main()
