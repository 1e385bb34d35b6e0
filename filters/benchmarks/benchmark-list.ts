/** A public benchmark: where its problems lie, and how to read their names off their paths. */
export interface Benchmark {
  readonly id: string
  readonly url: string
  /** What the index was built from; `curate benchmarks --update` reads exactly this. */
  readonly commit: string
  /** Paths of problems, with the name of the problem in the group `name`. */
  readonly problems: RegExp
  readonly language: 'python' | 'cpp'
}

/** The benchmarks that rows are compared with. BackendBench asks for ATen operators by name; ParEval in prose and signatures. */
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
  },
  {
    id: 'tritonbench-t',
    url: 'https://github.com/thunlp/TritonBench',
    commit: '603e28a5050e8c268f6883a69709d477a272d49a',
    problems: /^data\/TritonBench_T_v1\/(?<name>[^/]+)\.py$/,
    language: 'python',
  },
  {
    id: 'pareval',
    url: 'https://github.com/parallelcodefoundry/ParEval',
    commit: '4c9877fcf3e50ad8ac2d898187122a2d9cfd8e47',
    problems: /^prompts\/raw\/(?<name>[^/]+\/[^/]+)\/cuda$/,
    language: 'cpp',
  },
]
