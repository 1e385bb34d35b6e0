import { aiCudaEngineer } from './ai-cuda-engineer.ts'
import { cudaAgentOps } from './cuda-agent-ops.ts'
import { cudallmSft } from './cudallm-sft.ts'
import { drkernelColdstart } from './drkernel-coldstart.ts'
import { drkernelRl } from './drkernel-rl.ts'
import { flashinferTrace } from './flashinfer-trace.ts'
import { kernelbench } from './kernelbench.ts'
import { kernelbenchSamples } from './kernelbench-samples.ts'
import { kernelbook } from './kernelbook.ts'
import { kernelbot } from './kernelbot.ts'
import type { DatasetMapping } from './types.ts'

/** Published datasets whose columns are known: one line each. */
export const datasets = {
  'ai-cuda-engineer': aiCudaEngineer,
  'cuda-agent-ops': cudaAgentOps,
  'cudallm-sft': cudallmSft,
  'drkernel-coldstart': drkernelColdstart,
  'drkernel-rl': drkernelRl,
  'flashinfer-trace': flashinferTrace,
  kernelbench,
  'kernelbench-samples': kernelbenchSamples,
  kernelbook,
  kernelbot,
} satisfies Record<string, DatasetMapping>
