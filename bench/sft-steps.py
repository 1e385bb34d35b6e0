"""
A few steps of supervised fine-tuning of a tiny model of random weights on the config `sft`, as it was exported, with
the Trainer of `transformers` on whatever device there is. Needs `transformers`, `accelerate` and `pyarrow` beside
PyTorch, and no network:

    python bench/sft-steps.py work/quickstart/export/all/dataset

Prints one JSON line, and fails where the loss is not finite or does not fall.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import torch
import transformers
from tiny_model import model_for, tokenizer_of
from transformers import PreTrainedTokenizerFast, Trainer, TrainingArguments

_MOST_TOKENS = 1024
_NOT_LEARNT = -100

Message = dict[str, str]
Example = dict[str, list[int]]


def main() -> None:
    """Reads the rows, trains, and says how it went."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--steps", type=int, default=20)
    options = parser.parse_args()
    conversations = list(messages_of(options.dataset))
    tokenizer = tokenizer_of(message["content"] for messages in conversations for message in messages)
    examples = [example_of(tokenizer, messages) for messages in conversations]
    with tempfile.TemporaryDirectory() as folder:
        settings = TrainingArguments(
            output_dir=folder,
            max_steps=options.steps,
            per_device_train_batch_size=1,
            learning_rate=5e-3,
            logging_steps=1,
            report_to=[],
            save_strategy="no",
            disable_tqdm=True,
            seed=0,
            use_cpu=not torch.cuda.is_available(),
        )
        trainer = Trainer(model=model_for(tokenizer), args=settings, train_dataset=examples)
        trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    figures = {"rows": len(examples), "steps": len(losses), "first_loss": losses[0], "last_loss": losses[-1]}
    learnt = sum(label != _NOT_LEARNT for example in examples for label in example["labels"])
    device = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "processor"
    versions = {"transformers": transformers.__version__, "torch": torch.__version__}
    print(json.dumps({**figures, "answer_tokens": learnt, "device": device, **versions}))
    if not all(math.isfinite(loss) for loss in losses) or losses[-1] >= losses[0]:
        raise SystemExit("the loss is not finite, or did not fall")


def messages_of(dataset: Path) -> Iterator[list[Message]]:
    """The conversations of the train split, each as the chat template of any tokenizer takes it."""
    files = sorted((dataset / "sft").glob("train-*.parquet"))
    if not files:
        raise SystemExit(f"{dataset} has no files of the config sft")
    for file in files:
        for row in pq.read_table(file, columns=["messages"]).to_pylist():
            yield row["messages"]


def example_of(tokenizer: PreTrainedTokenizerFast, messages: list[Message]) -> Example:
    """The tokens of a conversation, of which those of the answer are learnt."""
    whole = tokenizer.apply_chat_template(messages, tokenize=True, return_dict=True)["input_ids"]
    asked = tokenizer.apply_chat_template(messages[:-1], tokenize=True, return_dict=True, add_generation_prompt=True)[
        "input_ids"
    ]
    assert whole[: len(asked)] == asked, "the question is no beginning of the conversation"
    # The end of a long question goes, so that there is an answer to learn from.
    cut = max(0, len(asked) - _MOST_TOKENS // 2)
    ids = (whole[: len(asked) - cut] + whole[len(asked) :])[:_MOST_TOKENS]
    labels = [_NOT_LEARNT] * (len(asked) - cut) + ids[len(asked) - cut :]
    return {"input_ids": ids, "attention_mask": [1] * len(ids), "labels": labels}


if __name__ == "__main__":
    main()
