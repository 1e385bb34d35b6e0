"""
Trains a tiny model of random weights on an exported dataset for a few steps with each of TRL's trainers, on whatever
device there is: what the columns are for, tried with no conversion. Needs `trl` and `datasets` beside PyTorch:

    python bench/training-steps.py curate-work/quickstart/export/all/dataset
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch
from datasets import Dataset, get_dataset_config_names, load_dataset
from tiny_model import model_for, tokenizer_of
from trl import DPOConfig, DPOTrainer, GRPOConfig, GRPOTrainer, SFTConfig, SFTTrainer

_SUPERVISED = ("sft", "prompt-completion", "multiturn", "repair")


def main() -> None:
    """Prints one JSON line for each config that has rows: trainer, rows, loss of the last step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--steps", type=int, default=3)
    options = parser.parse_args()
    configs = [name for name in get_dataset_config_names(str(options.dataset)) if name not in ("candidates", "rejects")]
    rows = {name: load_dataset(str(options.dataset), name, split="train") for name in configs}
    tokenizer = tokenizer_of(text for name in rows for text in texts_in(rows[name]))
    with tempfile.TemporaryDirectory() as folder:
        common = {
            "output_dir": folder,
            "max_steps": options.steps,
            "per_device_train_batch_size": 2,
            "logging_steps": 1,
            "report_to": [],
            "save_strategy": "no",
            "disable_tqdm": True,
            "use_cpu": not torch.cuda.is_available(),
            "bf16": False,
        }
        for name in (name for name in _SUPERVISED if name in rows):
            settings = SFTConfig(max_length=512, **common)
            report(name, SFTTrainer(model_for(tokenizer), settings, None, rows[name], processing_class=tokenizer), rows)
        if "preference" in rows:
            arguments = (model_for(tokenizer), model_for(tokenizer), DPOConfig(max_length=512, **common))
            trainer = DPOTrainer(*arguments, train_dataset=rows["preference"], processing_class=tokenizer)
            report("preference", trainer, rows)
        if "rl" in rows:
            settings = GRPOConfig(num_generations=2, max_completion_length=16, **common)
            model = model_for(tokenizer)
            trainer = GRPOTrainer(model, reward, settings, rows["rl"], processing_class=tokenizer)
            report("rl", trainer, rows)


def reward(completions: list, reference: list[str], reward_model: list[dict], **others: object) -> list[float]:
    """Stands where a verifier would: looks that every column came with the prompt it belongs to, and rewards length."""
    del others
    for program, told in zip(reference, reward_model, strict=True):
        assert json.loads(told["ground_truth"])["reference"] == program, "columns of one row do not belong together"
    return [float(len(completion[0]["content"])) for completion in completions]


def report(name: str, trainer: SFTTrainer | DPOTrainer | GRPOTrainer, rows: dict[str, Dataset]) -> None:
    """Trains, and says how it went."""
    trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    said = {"config": name, "trainer": type(trainer).__name__, "rows": len(rows[name]), "steps": len(losses)}
    print(json.dumps({**said, "loss": losses[-1], "device": str(trainer.args.device)}), flush=True)


def texts_in(rows: Dataset) -> Iterator[str]:
    """Texts of the messages of a config."""
    names = [name for name in ("messages", "prompt", "completion", "chosen", "rejected") if name in rows.column_names]
    for row in rows.select(range(min(len(rows), 50))):
        for name in names:
            for message in row[name]:
                yield message["content"]


if __name__ == "__main__":
    main()
