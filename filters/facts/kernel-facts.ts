import type { Judged } from '../types.ts'

/** How the code is made, by what it names: coarse places in a space of behaviours, for diversity, and no proof of anything. */
export function kernelFacts({ candidate, task }: Pick<Judged, 'candidate' | 'task'>) {
  const code = candidate.sources.map(({ content }) => content).join('\n')
  if (code.trim() === '') return NOTHING_KNOWN
  return {
    precision: firstOf(PRECISIONS, `${code}\n${task.reference}`) ?? 'float32',
    memory_access: firstOf(MEMORY_ACCESS, code) ?? 'plain',
    parallelism: firstOf(PARALLELISM, code) ?? 'elements',
    library_calls: libraryCalls(code),
  }
}

const NOTHING_KNOWN = { precision: null, memory_access: null, parallelism: null, library_calls: null }

type Patterns = readonly (readonly [name: string, pattern: RegExp])[]

const PRECISIONS: Patterns = [
  ['int8', /\bint8\b|\btorch\.q?int8\b|\bint8_t\b/],
  ['float8', /float8_e|__nv_fp8|\bfp8\b/],
  ['float16', /\bfloat16\b|\bhalf\b|\b__half2?\b|\bfp16\b/],
  ['bfloat16', /\bbfloat16\b|__nv_bfloat16/],
  ['float64', /\bfloat64\b|\bdouble\b/],
]

const MEMORY_ACCESS: Patterns = [
  ['asynchronous', /cp\.async|cp_async|cuda::memcpy_async|make_tensor_descriptor|tma|num_stages\s*=\s*[2-9]/i],
  ['shared', /__shared__|tl\.dot\b|alloc_shared|SharedMemory|local_memory/],
  ['vectorized', /\bfloat[24]\b|\bhalf2\b|\b__half2\b|reinterpret_cast<(?:const )?\w+4|_mm\d*_|Vectorized</],
]

const PARALLELISM: Patterns = [
  ['tensor_cores', /\btl\.dot\b|wmma|mma\.sync|wgmma|\bgemm\b\(/],
  ['warps', /__shfl|__reduce_\w+_sync|cooperative_groups/],
  ['reduction', /\btl\.(?:sum|max|min|reduce|associative_scan)\b|__syncthreads|atomicAdd|#pragma omp[^\n]*reduction/],
  ['tiles', /BLOCK_?(?:SIZE_?)?[MN]\b|TILE/],
]

function firstOf(patterns: Patterns, text: string): string | null {
  return patterns.find(([, pattern]) => pattern.test(text))?.[0] ?? null
}

// Operators that do the work of a kernel in a library: what `extern_kernels`, cuBLAS and whole PyTorch layers are.
const LIBRARY_CALL =
  /\bextern_kernels\.(\w+)|\b(cublas\w+|cudnn\w+)\s*\(|\b(?:torch|F|functional)\.(matmul|mm|bmm|addmm|conv[123]d|conv_transpose[123]d|linear|layer_norm|softmax|log_softmax|batch_norm|group_norm|scaled_dot_product_attention|cross_entropy|einsum)\s*\(|\bat::(matmul|mm|bmm|addmm|linear|conv\w*|softmax|layer_norm)\s*\(/g

function libraryCalls(code: string): string {
  const found = [...code.matchAll(LIBRARY_CALL)].flatMap((match) => match.slice(1).filter((name) => name !== undefined))
  return [...new Set(found)].toSorted().join(',')
}
