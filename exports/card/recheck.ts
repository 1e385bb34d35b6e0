import type { CardInput, ExportedConfig } from './card-input.ts'

/**
 * How a reader runs a row without trusting anybody: a program that reads the file and nothing else of ours; null where no config holds
 * what is to be run.
 */
export function renderRecheck({ configs }: CardInput): string | null {
  const config = configs.find(({ columns }) => NEEDED.every((name) => columns.some((column) => column.name === name)))
  if (config === undefined) return null
  return [
    'This runs code of strangers: do it in a container. It compares a row with its reference on the inputs the reference makes: the first',
    'that runs here, which without a GPU is one with `proved_on: cpu`.',
    `\`\`\`python\n${program(config)}\`\`\``,
  ].join('\n')
}

const NEEDED = ['reference', 'sources', 'entry_point', 'form', 'statuses', 'proved_on']

/** What is imported and how a file is read, by its extension. */
const READERS: Readonly<Record<string, { library: string; table: string }>> = {
  '.parquet': { library: 'import pyarrow.parquet as pq', table: 'pq.read_table(file)' },
  '.arrow': { library: 'import pyarrow as pa', table: 'pa.ipc.open_stream(file).read_all()' },
}

function program({ name, extension }: ExportedConfig): string {
  const reader = READERS[extension]
  if (reader === undefined) throw new TypeError(`nobody knows how ${extension} is read`)
  return `import glob, importlib, pathlib, sys, tempfile

${reader.library}
import torch

device = "cuda" if torch.cuda.is_available() else "cpu"


def runs_here(row):
    is_right = row["reference"] is not None and set(row["statuses"]) == {"PASSED"}
    return is_right and row["form"] == "python" and row["proved_on"] in {device.replace("cuda", "gpu"), "cpu"}


file = sorted(glob.glob("${name}/train-*${extension}"))[0]
row = next(filter(runs_here, ${reader.table}.to_pylist()), None)
if row is None:
    sys.exit(f"no row of {file} runs on {device}")
folder = pathlib.Path(tempfile.mkdtemp())
(folder / "row_reference.py").write_text(row["reference"])
for source in row["sources"]:
    (folder / source["path"]).parent.mkdir(parents=True, exist_ok=True)
    (folder / source["path"]).write_text(source["content"])
sys.path.insert(0, str(folder))
reference = importlib.import_module("row_reference")
candidate = importlib.import_module(row["entry_point"].split("::")[0].removesuffix(".py").replace("/", "."))

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
