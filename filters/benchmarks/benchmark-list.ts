import { beforeTests, operatorsOfMap, referenceOfDefinition } from './problem-texts.ts'
import type { ReadProblems } from './problem-texts.ts'

/** A public benchmark: where its problems lie, and how to read their names off their paths. */
export interface Benchmark {
  readonly id: string
  readonly url: string
  /** What the index was built from; `curate benchmarks --update` reads exactly this. */
  readonly commit: string
  /** Paths of problems, with the name of the problem in the group `name`. */
  readonly problems: RegExp
  readonly language: 'python' | 'cpp'
  /** The problems in a file; by default the whole file is one. */
  readonly read?: ReadProblems
  /** Whether problems are variants of each other that the folder in their name holds together. */
  readonly hasVariants?: boolean
}

/**
 * The benchmarks that rows are compared with. ParEval asks in prose and signatures, BackendBench for operators by name. Those of
 * TritonBench and KernelBench-X stand in one file with the tests, which nobody copies who copies the problem.
 */
export const BENCHMARKS: readonly Benchmark[] = [
  {
    id: 'kernelbench',
    url: 'https://github.com/ScalingIntelligence/KernelBench',
    commit: '423217d9fda91e0c2d67e4a43bf62f96f6d104f1',
    problems: /^KernelBench\/(?<name>level\d\/[^/]+)\.py$/,
    language: 'python',
  },
  {
    id: 'robust-kbench',
    url: 'https://github.com/SakanaAI/robust-kbench',
    commit: '078f5bab29934a822268d59a4e707d449abf9b4e',
    problems: /^tasks\/(?<name>[^/]+\/func_\w+|kernelbench\/level_\d\/task_\d+\/\d[^/]*)\.py$/,
    language: 'python',
  },
  {
    id: 'multikernelbench',
    url: 'https://github.com/wzzll123/MultiKernelBench',
    commit: '460a972c9be7ce18035984321d38b910e27df95f',
    problems: /^reference\/(?<name>[^/]+\/[^/]+)\.py$/,
    language: 'python',
  },
  {
    id: 'tritonbench-g',
    url: 'https://github.com/thunlp/TritonBench',
    commit: '603e28a5050e8c268f6883a69709d477a272d49a',
    problems: /^data\/TritonBench_G_v1\/(?<name>[^/]+)\.py$/,
    language: 'python',
    read: beforeTests,
  },
  {
    id: 'tritonbench-t',
    url: 'https://github.com/thunlp/TritonBench',
    commit: '603e28a5050e8c268f6883a69709d477a272d49a',
    problems: /^data\/TritonBench_T_v1\/(?<name>[^/]+)\.py$/,
    language: 'python',
    read: beforeTests,
  },
  {
    id: 'pareval',
    url: 'https://github.com/parallelcodefoundry/ParEval',
    commit: '4c9877fcf3e50ad8ac2d898187122a2d9cfd8e47',
    problems: /^prompts\/raw\/(?<name>[^/]+\/[^/]+)\/cuda$/,
    language: 'cpp',
  },
  {
    id: 'kernelbench-x',
    url: 'https://github.com/BonnieW05/KernelBenchX',
    commit: 'fd4192293bf9a8c645327a9d46aa1e807f1f9cf2',
    problems: /^data\/kernelbenchx\/(?<name>[^/]+\/[^/]+)\.py$/,
    language: 'python',
    read: beforeTests,
  },
  {
    // The last commit that has them: they moved to a dataset since, which a repository cannot be read for.
    id: 'flashinfer-bench',
    url: 'https://github.com/flashinfer-ai/flashinfer-bench',
    commit: 'ecafa9c2c62007667838226068b21ca9ff1c9183',
    problems: /^flashinfer_trace\/definitions\/(?<name>[^/]+\/[^/]+)\.json$/,
    language: 'python',
    read: referenceOfDefinition,
    hasVariants: true,
  },
  {
    id: 'backendbench',
    url: 'https://github.com/meta-pytorch/BackendBench',
    commit: '66e0dbc05a683e537830c246ea83255ff227676f',
    problems: /^BackendBench\/scripts\/(?<name>op_map)\.py$/,
    language: 'python',
    read: operatorsOfMap,
  },
  {
    id: 'reference-kernels',
    url: 'https://github.com/gpu-mode/reference-kernels',
    commit: 'f83cb92a534cc67fa98d7e9813e7f8238abdb4e0',
    problems: /^problems\/(?<name>[^/]+\/[^/]+)\/reference\.py$/,
    language: 'python',
  },
  {
    id: 'parallel-kernel-bench',
    url: 'https://github.com/togethercomputer/ParallelKernelBench',
    commit: '3cc0f9b435010b4957ccf7b4b85791480c7c69a6',
    problems: /^reference\/(?<name>\d[^/]+)\.py$/,
    language: 'python',
  },
]
