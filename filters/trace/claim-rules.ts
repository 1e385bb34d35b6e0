import type { Evaluation } from '../../pipelines/core/records/evaluation.ts'

/** What claims are held against. */
export interface ClaimGround {
  /** All files of the implementation. */
  readonly code: string
  readonly language: string
  /** What ptxas says of its kernels; empty where nothing did. */
  readonly kernels: NonNullable<Evaluation['build']>['kernels']
}

/** A kind of claim: how it is said, and what shows that it holds. */
export interface ClaimRule {
  readonly id: string
  /** Its first group is the value that is claimed, where there is one. */
  readonly said: RegExp
  /** What shows it, in a few words; null where it does not hold. `undefined` where nothing here can tell. */
  readonly shownBy: (ground: ClaimGround, value: string) => string | null | undefined
}

/** The claims that are looked for. Each is decided by what stands in the code or by what ptxas measured; a reader can look it up. */
export const CLAIM_RULES: readonly ClaimRule[] = [
  {
    id: 'shared_memory',
    said: /\bshared memory\b|\bsmem\b|__shared__/i,
    shownBy: (ground) =>
      inCode(ground, /__shared__|\bSharedMemory\b|\balloc_shared\b|\btl\.dot\b/) ??
      ground.kernels.filter(({ shared_bytes }) => shared_bytes > 0).map(sharedOf)[0] ??
      null,
  },
  {
    id: 'vector_loads',
    said: /\bfloat4\b|\bfloat2\b|\bhalf2\b|\bvectori[sz]ed\b[^.]{0,20}\b(?:loads?|stores?|access(?:es)?|memory)\b|\b128-bit (?:loads?|stores?)\b/i,
    // Triton's compiler vectorises by itself: what it did stands in no source.
    shownBy: (ground) =>
      inCode(
        ground,
        /\b(?:float|int|uint|half|double|bfloat16?)[248]\b|\b__(?:half|nv_bfloat16)2\b|\bVectorized<|\b_mm\d*_|\bld\.global\.v[24]/,
      ) ?? (ground.language === 'triton' ? undefined : null),
  },
  {
    id: 'block_size',
    said: /\b(?:block[ _]?size|threads[ _]per[ _]block|tile[ _]size|BLOCK(?:_[A-Z]+)?)\b(?: (?:is|of|to|as))?[\s`*]{0,4}[=:]?[\s`*]{0,4}(\d{1,6})\b|\b(\d{1,6}) threads per block\b/i,
    shownBy: numberInCode,
  },
  { id: 'num_warps', said: /\bnum_warps\b[\s`]*(?:=|of|is|to)[\s`]*(\d{1,3})\b|\b(\d{1,3}) warps\b/i, shownBy: warps },
  {
    id: 'num_stages',
    said: /\bnum_stages\b[\s`]*(?:=|of|is|to)[\s`]*(\d{1,3})\b/i,
    shownBy: (ground, value) => inCode(ground, new RegExp(`num_stages["']?\\s*[=:]\\s*${value}\\b`)),
  },
  {
    id: 'warp_shuffle',
    said: /\bwarp[- ](?:level )?(?:shuffles?|reductions?|reduce)\b|__shfl/i,
    shownBy: (ground) =>
      inCode(ground, /__shfl\w*|__reduce_\w+_sync|cooperative_groups/) ??
      (ground.language === 'triton' ? undefined : null),
  },
  { id: 'atomics', said: /\batomics?\b(?! number)|\batomicAdd\b/i, shownBy: (ground) => inCode(ground, /\batomic\w*/) },
  {
    id: 'tensor_cores',
    said: /\btensor cores?\b|\bwmma\b/i,
    shownBy: (ground) => inCode(ground, /\bwmma\b|\bmma\.sync\b|\bwgmma\b|\btl\.dot\b|\bcute::/),
  },
  {
    id: 'autotuning',
    said: /\bauto-?tun(?:e|ed|ing)\b/i,
    shownBy: (ground) => inCode(ground, /\bautotune\b/),
  },
  {
    id: 'unrolling',
    said: /\bunroll(?:s|ed|ing)?\b/i,
    shownBy: (ground) => inCode(ground, /#pragma unroll|#pragma GCC unroll|\bstatic_range\b|\bunroll\b/i),
  },
  {
    id: 'masking',
    said: /\bmask(?:s|ed|ing)?\b[^.]{0,30}\b(?:loads?|stores?|tail|bounds|out[- ]of[- ]bounds)\b/i,
    shownBy: (ground) => inCode(ground, /\bmask\b|\bif\s*\([^)]*<|\bboundary_check\b/),
  },
  {
    id: 'float32_accumulation',
    said: /\baccumulat\w+\b[^.]{0,40}\b(?:fp32|float32|single precision)\b|\b(?:fp32|float32) accumulat/i,
    shownBy: (ground) => inCode(ground, /\bfloat32\b|\bfloat\s+\w+\s*=|\bacc_type\b/),
  },
  {
    id: 'grid_stride_loop',
    said: /\bgrid[- ]stride\b/i,
    shownBy: (ground) => inCode(ground, /\bgridDim\b|\bnum_programs\b/),
  },
  {
    id: 'openmp',
    said: /\bopenmp\b|#pragma omp/i,
    shownBy: (ground) => inCode(ground, /#pragma omp|\bparallel_for\b/),
  },
  {
    id: 'asynchronous_copies',
    said: /\bcp\.async\b|\basync(?:hronous)? cop(?:y|ies)\b|\bdouble[- ]buffer/i,
    shownBy: (ground) =>
      inCode(ground, /cp\.async|cp_async|memcpy_async|num_stages\s*=\s*[2-9]|make_tensor_descriptor/),
  },
  {
    id: 'registers',
    said: /\b(\d{1,3}) registers(?: per thread)?\b/i,
    shownBy: ({ kernels }, value) =>
      kernels.length === 0
        ? undefined
        : (kernels.filter(({ registers }) => String(registers) === value).map(registersOf)[0] ?? null),
  },
  {
    id: 'no_spills',
    said: /\b(?:zero|0) (?:bytes of )?(?:register )?spill/i,
    shownBy({ kernels }) {
      if (kernels.length === 0) return undefined
      return kernels.every(({ spill_store_bytes }) => spill_store_bytes === 0) ? 'ptxas: nothing spilled' : null
    },
  },
]

type Kernel = ClaimGround['kernels'][number]

function sharedOf({ name, shared_bytes }: Kernel): string {
  return `ptxas: ${shared_bytes} bytes of shared memory in ${name}`
}

function registersOf({ name, registers }: Kernel): string {
  return `ptxas: ${registers} registers in ${name}`
}

/** The first line of the code in which a pattern stands, with its number. */
export function inCode({ code }: Pick<ClaimGround, 'code'>, pattern: RegExp): string | null {
  const found = pattern.exec(code)
  if (found === null) return null
  const line = code.slice(0, found.index).split('\n').length
  const text = (code.split('\n')[line - 1] ?? '').trim()
  return `line ${line}: ${text.length > 100 ? `${text.slice(0, 100)}…` : text}`
}

// As it stands there, or as a product of two: 256 threads may be written `dim3(16, 16)`.
function numberInCode(ground: ClaimGround, value: string): string | null {
  const written = inCode(ground, new RegExp(`(?<![\\w.])${value}(?![\\w.])`))
  if (written !== null) return written
  const wanted = Number(value)
  for (const [text, x = '', y = ''] of ground.code.matchAll(/\b(\d{1,4})\s*[,*]\s*(\d{1,4})\b/g)) {
    if (Number(x) * Number(y) === wanted) return `${text} is ${value}`
  }
  return null
}

function warps(ground: ClaimGround, value: string): string | null {
  return (
    inCode(ground, new RegExp(`num_warps["']?\\s*[=:]\\s*${value}\\b`)) ??
    numberInCode(ground, String(32 * Number(value)))
  )
}
