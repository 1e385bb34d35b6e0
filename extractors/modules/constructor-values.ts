import type { TypedParameter } from './module-classes.ts'

/**
 * A value for a constructor's parameter by what its name and annotation say it is, as Python text, or null. Sizes are small
 * and go together: heads and groups divide widths, patches divide images. Whether they fit is found out by running.
 */
export function namedValue({ name, annotation }: TypedParameter): string | null {
  const type = annotation?.replace(/^(?:typing\.)?Optional\[(.*)\]$|^(.*) \| None$/, '$1$2') ?? null
  if (type !== null && !SIMPLE.has(type)) return null
  if (type === 'bool') return 'True'
  const text = BY_NAME.find(([pattern]) => pattern.test(name))?.[1] ?? null
  if (text === null) return type === 'float' ? '0.5' : null
  const isFloat = text.includes('.') || text.includes('e')
  if (type === 'int' && isFloat) return '2'
  if (type === 'float' && !isFloat) return `${text}.0`
  return type === 'str' ? null : text
}

const SIMPLE = new Set(['int', 'float', 'bool', 'Any', 'typing.Any'])

const BY_NAME: readonly (readonly [RegExp, string])[] = [
  [/^p$|^drop|_drop(?:out)?|prob$/, '0.0'],
  [/eps/, '1e-5'],
  [/^(?:use|is|has|with|do|return)_|^(?:bias|affine|causal|residual|normalize|qkv_bias)$/, 'True'],
  [/kernel|^(?:k|ks|ksize)$/, '3'],
  [/stride|dilation/, '1'],
  [/^pad/, '1'],
  [/head_dim|dim_head|d_head|head_size|d_k$|d_v$/, '16'],
  [/heads?$|^h$/, '4'],
  [/groups?$/, '4'],
  [/(?:depth|layers?|blocks?|stages?|repeats?|iterations?|steps?)$/, '2'],
  [/vocab|num_embeddings|ntoken/, '128'],
  [/class(?:es)?$|labels$/, '10'],
  [/patch/, '4'],
  [/image|img|resolution/, '32'],
  [/len(?:gth)?$|seq|context|positions?$|window/, '32'],
  [/top_?k/, '2'],
  [/ratio|reduction|expansion|factor|mult|expert/, '4'],
  [/scale|alpha|beta|gamma|temperature|tau$|coef|lambd|margin|momentum|threshold|slope|weight$/, '0.5'],
  [/dim|size$|features?$|channels?|hidden|width|units|planes|filters|embed|^d_|_d$/, '64'],
  [/^(?:c|d|n|m|in|out|ch|cin|cout|inp|oup|nc|nf|input|output|in_ch?|out_ch?|c_in|c_out|c1|c2|ni|no)$/, '64'],
  [/^(?:num|n)_|_num_/, '4'],
]
