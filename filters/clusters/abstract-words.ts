import { normalizedCode } from './normalized-text.ts'

/**
 * The words of a program with its own names in order of appearance, so that renaming changes nothing; names of the languages and
 * their libraries stay, since they say what is done. Comments, documentation and layout are no words.
 */
export function wordsOf(text: string, language: string): string[] {
  const normalized = normalizedCode(text, language)
  const names = new Map<string, string>()
  return splitWords(normalized).map((word, index, words) => {
    if (!NAME.test(word) || KEPT.has(word) || isMember(words[index - 1])) return word
    const known = names.get(word)
    if (known !== undefined) return known
    const name = `n${names.size}`
    names.set(word, name)
    return name
  })
}

/** The same with every name and every literal replaced by its kind: what is left is structure. */
export function structureOf(text: string, language: string): string[] {
  return plainWords(text, language).map((word, index, words) => {
    if (/^[\d.]/.test(word) && /\d/.test(word)) return '0'
    if (/^["'brfBRF]+["']/.test(word) || /^["']/.test(word)) return "''"
    if (!NAME.test(word) || KEYWORDS.has(word)) return word
    return isMember(words[index - 1]) ? word : 'n'
  })
}

/** The words of a program as they are written, without comments, documentation and layout. */
export function plainWords(text: string, language: string): string[] {
  return splitWords(normalizedCode(text, language))
}

/** The words of normalised source: its tokens are divided by spaces, those in a string literal aside. */
function splitWords(normalized: string): string[] {
  return normalized.split(/\s+/).filter((word) => word !== '')
}

const NAME = /^[A-Za-z_]\w*$/

// `tl.load`, `x->size`, `at::sum`: what follows is somebody else's name.
function isMember(before: string | undefined): boolean {
  return before === '.' || before === '->' || before === '::'
}

const KEYWORDS = new Set(
  `False None True and as assert async await break class continue def del elif else except finally for from global if import in is lambda
  nonlocal not or pass raise return try while with yield auto bool case char const constexpr default delete do double enum extern
  explicit float goto inline int long namespace new nullptr operator private protected public register short signed sizeof static
  struct switch template this throw typedef typename union unsigned using virtual void volatile
  __global__ __device__ __host__ __shared__ __restrict__ __launch_bounds__ __syncthreads`.split(/\s+/),
)

const KEPT = new Set([
  ...KEYWORDS,
  ...`self super range len torch triton tl nn F math libdevice jit constexpr threadIdx blockIdx blockDim gridDim warpSize float2 float4 half
  half2 __half __nv_bfloat16 int32_t int64_t uint32_t size_t at std min max fmaxf fminf expf exp __expf rsqrtf sqrtf tanhf
  __shfl_down_sync __shfl_xor_sync atomicAdd Model ModelNew forward`.split(/\s+/),
])
