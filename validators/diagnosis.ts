import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { CurateError } from '../pipelines/core/errors.ts'
import { listGpus } from './gpu-list.ts'
import { startJudge } from './judge-process.ts'
import type { Ready } from './protocol.ts'
import { findPython } from './python-environment.ts'
import type { PythonEnvironment } from './python-environment.ts'

/** One fact about the machine, and how to get what is missing. */
export interface Finding {
  readonly name: string
  readonly ok: boolean
  /** What is there; the reason where it is not. */
  readonly found: string
  /** What to do about it; empty where nothing needs doing. */
  readonly remedy: string
}

/** What validation finds on this machine: it starts a judge as a run would, and asks it. */
export async function diagnoseValidation(): Promise<Finding[]> {
  try {
    const environment = await findPython()
    return [pythonFinding(environment), ...(await askJudge(environment))]
  } catch (error) {
    if (!(error instanceof CurateError)) throw error
    return [{ name: 'Python worker', ok: false, found: error.message, remedy: error.hint }]
  }
}

async function askJudge({ python }: PythonEnvironment): Promise<Finding[]> {
  const [gpu] = await listGpus()
  const folder = await mkdtemp(join(tmpdir(), 'curate-doctor-'))
  try {
    const slot =
      gpu === undefined ? ({ device: 'cpu', slot: 'cpu' } as const) : ({ device: 'cuda', slot: gpu.uuid } as const)
    const judge = await startJudge(python, { ...slot, cache_folder: folder, threads: availableParallelism() })
    await judge.stop(3000)
    return [...toolFindings(judge.ready, gpu?.name ?? null), ...sandboxFindings(judge.ready)]
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function pythonFinding({ python, origin }: PythonEnvironment): Finding {
  return {
    name: 'Python worker',
    ok: true,
    found: `${python} (${origin === 'own' ? 'made by curate' : origin})`,
    remedy: '',
  }
}

function toolFindings({ tools, environment, gpu_unusable, gpu_memory_unshared }: Ready, gpu: string | null): Finding[] {
  const findings = Object.entries(TOOLS).map(([name, { title, remedy }]) => {
    const version = tools[name] ?? null
    return { name: title, ok: version !== null, found: version ?? '', remedy: version === null ? remedy : '' }
  })
  if (gpu !== null && tools['gpu'] === null) {
    const remedy = `PyTorch says: ${gpu_unusable ?? 'nothing'}. Is it a CUDA build for this driver?`
    return findings.map((finding) =>
      finding.name === 'GPU' ? { ...finding, found: `${gpu}, unused`, remedy } : finding,
    )
  }
  const hardware = { name: 'hardware', ok: true, found: environment.hardware, remedy: '' }
  if (gpu_memory_unshared === null) return [...findings, hardware]
  const remedy = `Large tensors take a hundred times longer to reach a candidate: ${gpu_memory_unshared}`
  return [...findings, hardware, { name: 'shared GPU memory', ok: false, found: '', remedy }]
}

const TOOLS: Record<string, { title: string; remedy: string }> = {
  torch: { title: 'PyTorch', remedy: 'Run `curate doctor --prepare`.' },
  triton: {
    title: 'Triton',
    remedy: 'Triton kernels are not run without it: `curate doctor --prepare` installs it where it can be.',
  },
  'g++': {
    title: 'C++ compiler',
    remedy: 'Install g++ (Debian: `apt install g++`): C++ and CUDA kernels are built with it.',
  },
  nvcc: {
    title: 'CUDA compiler',
    remedy: 'Install the CUDA toolkit: CUDA kernels are built with nvcc, also where there is no GPU.',
  },
  gpu: {
    title: 'GPU',
    remedy: 'Without one, C++ kernels run, Triton kernels are interpreted and CUDA kernels are only compiled.',
  },
}

function sandboxFindings(ready: Ready): Finding[] {
  const held = ready.environment.sandbox.map((layer) => ({
    name: `sandbox: ${layer}`,
    ok: true,
    found: 'holds',
    remedy: '',
  }))
  const missing = Object.entries(ready.sandbox_missing).map(([layer, reason]) => ({
    name: `sandbox: ${layer}`,
    ok: false,
    found: reason,
    remedy: LAYER_REMEDIES[layer] ?? 'The other layers still hold; see validators/README.md.',
  }))
  const leaks = ready.sandbox_leaks.map((leak) => ({
    name: `sandbox leak: ${leak}`,
    ok: false,
    found: 'a program in the sandbox could do this',
    remedy:
      'Do not validate kernels of strangers on this machine, or do so in a container without network and secrets.',
  }))
  return [...held, ...missing, ...leaks, forkServerFinding(ready)]
}

function forkServerFinding({ fork_server: { threads, touched_cuda } }: Ready): Finding {
  const troubles = [
    ...(threads === 1 ? [] : ['A library starts threads when it is imported; processes forked beside them may hang.']),
    ...(touched_cuda ? ['A library reaches CUDA when it is imported; processes forked after that cannot use it.'] : []),
  ]
  const found = `${threads} thread(s), CUDA ${touched_cuda ? 'touched' : 'untouched'}`
  return { name: 'fork server', ok: troubles.length === 0, found, remedy: troubles.join(' ') }
}

const LAYER_REMEDIES: Record<string, string> = {
  'user-namespace': 'Allow user namespaces (sysctl kernel.unprivileged_userns_clone=1, or a container with them).',
  'own-user': 'Only possible for root, and where the interpreter can be read by other users.',
  landlock: 'Needs Linux 5.13 or newer with landlock enabled.',
  'memory-limit': 'Expected on a GPU; use a container with a memory limit.',
}
