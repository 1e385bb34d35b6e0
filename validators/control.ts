import type { JudgeReply } from './judge-process.ts'
import type { EvaluateRequest } from './protocol.ts'

/** A task and an implementation known to be right: what a new judge is shown after one was lost. */
export const CONTROL: Omit<EvaluateRequest, 'type' | 'nonce'> = {
  task: {
    id: 'control',
    reference: `import torch


class Model(torch.nn.Module):
    def forward(self, x):
        return torch.relu(x)


def get_inputs():
    return [torch.randn(64, 33)]


def get_init_inputs():
    return []
`,
    workloads: [{ id: 'control', axes: {} }],
  },
  candidate: {
    language: 'cpp',
    form: 'python',
    entry_point: 'candidate.py::ModelNew',
    sources: [
      {
        path: 'candidate.py',
        content: `import torch


class ModelNew(torch.nn.Module):
    def forward(self, x):
        return x.clamp(min=0)
`,
      },
    ],
  },
  settings: {
    mode: 'screen',
    calls: 2,
    timeout_s: 60,
    timing_s: 1,
    build_timeout_s: 60,
    memory_bytes: 4e9,
    own_kernel: 'report',
    library_calls: 'allow',
    static_tags: 'report',
    backward: 'report',
    precision: 'strict',
    baselines: [],
    sanitizer_share: 0,
    seed: 0,
  },
}

/** Whether the machine judged the control right. */
export function isControlPassed(reply: JudgeReply): boolean {
  return reply.kind === 'rows' && reply.rows.every(({ status }) => status === 'PASSED')
}
