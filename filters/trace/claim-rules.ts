import { inCode, numberInCode, threadsPerBlock } from './code-evidence.ts'
import type { ClaimGround } from './code-evidence.ts'

/** A kind of claim: how it is said, and what shows that it holds. */
export interface ClaimRule {
  readonly id: string
  /** Its groups are the values that are claimed, where there are any: numbers, in digits or words. */
  readonly said: RegExp
  /** Whether it is said by saying that something is not there. */
  readonly isNegative?: boolean
  /** What shows it, in a few words; null where it does not hold. `undefined` where nothing here can tell. */
  readonly shownBy: (ground: ClaimGround, values: readonly number[]) => string | null | undefined
}

const NUMBER = '(\\d{1,6}|one|two|three|four|five|six|seven|eight|nine|ten|twelve|sixteen|thirty-two|sixty-four)'
const BLOCK = String.raw`(?:block|tile|thread[- ]?block|chunk)s?`
const BESIDE = String.raw`(\d{1,4}) ?(?:x|×|by) ?(\d{1,4})(?! ?(?:x|×|by|input|matri|image|output matri)\b)`

/** The claims that are looked for. Each is decided by what stands in the code or by what ptxas measured; a reader can look it up. */
export const CLAIM_RULES: readonly ClaimRule[] = [
  {
    id: 'shared_memory',
    said: /\bshared[- ]memory\b|\bsmem\b|__shared__/gi,
    shownBy: (ground) =>
      inCode(ground, /__shared__|\bSharedMemory\b|\balloc_shared\b|\btl\.dot\b|\bsmem\w*\s*[=[]/) ??
      ground.kernels.filter(({ shared_bytes }) => shared_bytes > 0).map(sharedOf)[0] ??
      null,
  },
  {
    id: 'vector_loads',
    said: /\b(?:float4|float2|half2|int4|uint4)\b|\bvectori[sz]ed\b[^.]{0,20}\b(?:loads?|stores?|access(?:es)?|memory)\b|\b(?:loads?|stores?|accesses) are vectori[sz]ed\b|\bvector (?:loads?|stores?)\b|\b128-bit (?:loads?|stores?)\b|\b(?:loads?|stores?) are 128-bit/gi,
    // Triton's compiler vectorises by itself: what it did stands in no source.
    shownBy: (ground) =>
      inCode(
        ground,
        /\b(?:float|int|uint|half|double|bfloat16?)[248]\b|\b__(?:half|nv_bfloat16)2\b|\bVectorized<|\b_mm\d*_|\bld\.global\.v[24]|\b__m(?:128|256|512)|\bvector_size\b/,
      ) ?? (ground.language === 'triton' ? undefined : null),
  },
  {
    id: 'block_size',
    said: new RegExp(
      `\\b(?:[Bb]lock[ _]?sizes?|[Tt]ile[ _]?(?:size|dim(?:ension)?(?: [A-Z_]{2,16})?)|(?:BLOCK|TILE)(?:_[A-Z]+)?)\\b[\\s\`*]{0,3}(?:(?:is|are|of|to|as|at|equals|(?:is )?fixed at)\\b)?[\\s\`*:=]{0,5}(\\d{1,6})(?! ?[x×]|\\.\\d|%| threads)\\b|\\b(?:tiles|blocks|chunks) of (\\d{1,6})\\b(?! ?[x×]| threads)`,
      'g',
    ),
    shownBy: (ground, [value = 0]) => numberInCode(ground, value),
  },
  {
    id: 'block_size',
    said: new RegExp(
      `\\b(\\d{1,6})[- ]threads? (?:per|in (?:a|each|every|the)|a) (?:thread[- ]?)?block\\b|\\b${BLOCK}(?: size)?(?: of| has| have| with| uses?| is|:) (\\d{1,6}) threads\\b|\\b[Tt]hreads per block\\b[\\s\`*]{0,3}(?:is|of|to|as|at)?[\\s\`*:=]{0,5}(\\d{1,6})\\b|\\bi\\.e\\.,? (\\d{1,4}) threads\\b`,
      'gi',
    ),
    shownBy: threads,
  },
  {
    id: 'block_size',
    said: new RegExp(
      `\\b${BESIDE}[- ](?:(?:output|thread|threads|warp|fp32|register|block) )?(?:${BLOCK}|threads|patch(?:es)?|fragments?|accumulators?)\\b|\\b(?:${BLOCK}|threads)(?: (?:is|are|of|has|have|with|will be|size))?[ (]{1,2}(\\d{1,4}) ?(?:x|×|by|,) ?(\\d{1,4})\\b`,
      'gi',
    ),
    shownBy: (ground, [x = 0, y = 0]) =>
      numberInCode(ground, x) === null || numberInCode(ground, y) === null ? null : numberInCode(ground, x),
  },
  {
    id: 'num_warps',
    said: new RegExp(`\\bnum_warps\\b[\\s\`]*(?:=|of|is|to)[\\s\`]*(\\d{1,3})\\b|\\b${NUMBER} warps\\b`, 'gi'),
    shownBy: warps,
  },
  {
    id: 'num_stages',
    said: /\bnum_stages\b[\s`]*(?:=|of|is|to)[\s`]*(\d{1,3})\b/gi,
    shownBy: (ground, [value = 0]) => inCode(ground, new RegExp(`num_stages[^\\n]{0,40}\\b${value}\\b`)),
  },
  {
    id: 'warp_shuffle',
    said: /\bwarp[- ](?:level )?(?:shuffles?|reductions?|reduce)\b|\bwarps?\b[^.]{0,40}\bshuffl|\bshuffl\w*\b[^.]{0,20}\bwarps?\b|__shfl/gi,
    shownBy: (ground) =>
      inCode(ground, /__shfl\w*|__reduce_\w+_sync|cooperative_groups|\bwarp_?(?:reduce|sum|max)/i) ??
      (ground.language === 'triton' ? undefined : null),
  },
  {
    id: 'atomics',
    said: /\batomics?\b(?! number)|\batomic_?(?:Add|Max|Min|CAS|Exch|xchg)\b/gi,
    shownBy: (ground) => inCode(ground, /\batomic\w*|__sync_fetch/),
  },
  {
    id: 'tensor_cores',
    said: /\btensor[- ]cores?\b|\bwmma\b|\bmma\.sync\b|\bwgmma\b/gi,
    shownBy: (ground) => inCode(ground, /\bwmma\b|\bmma\.sync\b|\bwgmma\b|\btl\.dot\b|\bcute::|\bmma_sync\b/),
  },
  { id: 'autotuning', said: /\bauto-?tun\w*/gi, shownBy: (ground) => inCode(ground, /\bautotune\b|\bautotuner\b/) },
  {
    id: 'unrolling',
    said: /\bunroll(?:s|ed|ing)?\b/gi,
    // By hand: the same statement with `+ 3` in an index, or with a variable that is the fourth of its name.
    shownBy: (ground) =>
      inCode(ground, /#pragma (?:GCC )?unroll|\bstatic_range\b|\bunroll\b|\+ ?3 ?\]|\b[a-z]+3 ?(?:=|\+=)/i),
  },
  {
    id: 'masking',
    said: /\bmask(?:s|ed|ing)?\b[^.]{0,40}\b(?:loads?|stores?|tail|bounds?|edges?|ends?|out[- ]of[- ]bounds)\b|\b(?:loads?|stores?|lanes|columns)\b[^.]{0,40}\bmask(?:s|ed)?\b|\bbounds?[- ]check(?:s|ed|ing)?\b|\bout[- ]of[- ](?:range|bounds) (?:elements|values|lanes|columns|indices)\b/gi,
    shownBy: (ground) => inCode(ground, /\bmask\b|\bif\s*\([^)]*<|\bboundary_check\b|<[^;\n?]{1,80}\?/),
  },
  {
    id: 'float32_accumulation',
    said: /\baccumulat\w+\b[^.]{0,60}\b(?:fp32|float32|single precision)\b|\b(?:fp32|float32) accumulat/gi,
    shownBy: (ground) =>
      inCode(ground, /\bfloat32\b|\bfloat\s+\w+\s*(?:=|\[)|\bacc_type\b|\baccumulator\b[^;]*\bfloat\b/),
  },
  {
    id: 'grid_stride_loop',
    said: /\bgrid[- ]strided?\b/gi,
    shownBy: (ground) => inCode(ground, /\bgridDim\b|\bnum_programs\b/),
  },
  {
    id: 'openmp',
    said: /\bopenmp\b|#pragma omp/gi,
    shownBy: (ground) => inCode(ground, /#pragma omp|\bparallel_for\b|\bomp_get_/),
  },
  {
    id: 'asynchronous_copies',
    said: /\bcp\.async\b|\basync(?:hronous)? cop(?:y|ies)\b/gi,
    shownBy: (ground) =>
      inCode(ground, /cp\.async|cp_async|memcpy_async|num_stages\s*=\s*[2-9]|make_tensor_descriptor/),
  },
  {
    id: 'double_buffering',
    said: /\bdouble[- ]buffer/gi,
    shownBy: (ground) =>
      inCode(
        ground,
        /\[2\]\s*\[|\^\s*1\b|\bnum_stages\s*=\s*[2-9]|memcpy_async|cp\.async|%\s*2\b|&\s*1\b|\bbuf(?:fer)?s?\[/i,
      ),
  },
  {
    id: 'registers',
    said: /\b(\d{1,3}) registers(?: per thread)?\b/gi,
    shownBy: ({ kernels }, [value]) =>
      kernels.length === 0
        ? undefined
        : (kernels.filter(({ registers }) => registers === value).map(registersOf)[0] ?? null),
  },
  {
    id: 'no_spills',
    said: /\b(?:zero|0|no) (?:bytes (?:of )?)?(?:register )?spill|\bnothing (?:is )?spill|\bwithout (?:any )?(?:register )?spill/gi,
    isNegative: true,
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

// As the launches say, or anywhere in the code where they do not.
function threads(ground: ClaimGround, [value = 0]: readonly number[]): string | null {
  const launched = threadsPerBlock(ground)
  if (launched === null) return numberInCode(ground, value)
  return launched.includes(value) ? `blocks of ${value} threads` : null
}

// Triton's default is 4: https://triton-lang.org/main/python-api/generated/triton.Config.html
const TRITON_WARPS = 4

function warps(ground: ClaimGround, [value = 0]: readonly number[]): string | null {
  const named = inCode(ground, new RegExp(`num_warps[^\\n]{0,60}(?<![\\w.])${value}(?![\\w.])`))
  if (named !== null) return named
  if (ground.language === 'triton') {
    return value === TRITON_WARPS && !ground.code.includes('num_warps') ? 'the default of Triton' : null
  }
  return threads(ground, [32 * value])
}
