import type { CardInput } from './card-input.ts'

/** How a reader runs a row without trusting anybody: a program that reads the file and nothing else of ours. */
export function renderRecheck({ configs }: CardInput): string {
  const [config] = configs
  const file = `${config?.name ?? 'sft'}/train-*${config?.extension ?? '.parquet'}`
  return [
    'This runs code of strangers: do it in a container. It compares the first row with its reference on the inputs the reference makes.',
    `\`\`\`python\n${program(file)}\`\`\``,
  ].join('\n\n')
}

function program(file: string): string {
  return `import glob, importlib, pathlib, sys, tempfile

import pyarrow.parquet as pq
import torch

row = pq.read_table(sorted(glob.glob("${file}"))[0]).slice(0, 1).to_pylist()[0]
folder = pathlib.Path(tempfile.mkdtemp())
(folder / "row_reference.py").write_text(row["reference"])
for source in row["sources"]:
    (folder / source["path"]).parent.mkdir(parents=True, exist_ok=True)
    (folder / source["path"]).write_text(source["content"])
sys.path.insert(0, str(folder))
reference = importlib.import_module("row_reference")
candidate = importlib.import_module(row["entry_point"].split("::")[0].removesuffix(".py").replace("/", "."))

device = "cuda" if torch.cuda.is_available() else "cpu"
models = []
for model in (reference.Model, candidate.ModelNew):
    torch.manual_seed(0)
    models.append(model(*reference.get_init_inputs()).to(device))
models[1].load_state_dict(models[0].state_dict(), strict=False)
inputs = [value.to(device) if torch.is_tensor(value) else value for value in reference.get_inputs()]
with torch.no_grad():
    expected, found = (model(*inputs) for model in models)
torch.testing.assert_close(found, expected, atol=1e-2, rtol=1e-2)
print(row["candidate_id"], "agrees with its reference on", device)
`
}
