import type { Evaluation } from '../../pipelines/core/records/evaluation.ts'

/** What claims are held against. */
export interface ClaimGround {
  /** All files of the implementation. */
  readonly code: string
  readonly language: string
  /** What ptxas says of its kernels; empty where nothing did. */
  readonly kernels: NonNullable<Evaluation['build']>['kernels']
}

/** The first line of the code in which a pattern stands, with its number. */
export function inCode({ code }: Pick<ClaimGround, 'code'>, pattern: RegExp): string | null {
  const found = pattern.exec(code)
  if (found === null) return null
  const line = code.slice(0, found.index).split('\n').length
  const text = (code.split('\n')[line - 1] ?? '').trim()
  return `line ${line}: ${text.length > 100 ? `${text.slice(0, 100)}…` : text}`
}

/** Where a number shows: as it stands there, as a product of two (256 threads may be `dim3(16, 16)`), or as a power of two. */
export function numberInCode(ground: Pick<ClaimGround, 'code'>, value: number): string | null {
  const written = inCode(ground, new RegExp(`(?<![\\w.])${value}(?![\\w.])`))
  if (written !== null) return written
  for (const [text, x = '', y = ''] of withConstants(ground.code).matchAll(/\b(\d{1,4})\s*[,*]\s*(\d{1,4})\b/g)) {
    if (Number(x) * Number(y) === value) return `${text} is ${value}`
  }
  for (const [text, x = '', y = ''] of ground.code.matchAll(/\b(\d{1,4})\s*<<\s*(\d{1,2})\b/g)) {
    if (Number(x) * 2 ** Number(y) === value) return `${text} is ${value}`
  }
  return null
}

/**
 * Threads of a block in each launch `kernel<<<grid, block>>>`, as far as they are numbers that the code itself says; null where
 * one of them is not, or nothing is launched.
 */
export function threadsPerBlock({ code }: Pick<ClaimGround, 'code'>): number[] | null {
  const known = withConstants(code)
  const launches = [...known.matchAll(/<<<([^;{}]{1,300}?)>>>/g)].map(([, inside = '']) => argumentsIn(inside)[1])
  const sizes = launches.map((block) => (block === undefined ? null : sizeOf(block, known)))
  return sizes.length === 0 || sizes.some((size) => size === null) ? null : sizes.filter((size) => size !== null)
}

function sizeOf(block: string, code: string): number | null {
  const [, constructed] = /^(?:dim3\s*)?[({](.*)[)}]$/.exec(block) ?? []
  if (constructed !== undefined) return productOf(constructed)
  if (/^\d+$/.test(block)) return Number(block)
  if (!/^\w+$/.test(block)) return productOf(block.replaceAll('*', ','))
  const [, extent] = new RegExp(`\\b(?:dim3\\s[^;]{0,80})?\\b${block}\\s*[({]([^;(){}]{1,60})[)}]`).exec(code) ?? []
  if (extent !== undefined) return productOf(extent)
  const [, value] = new RegExp(`\\b${block}\\s*=\\s*(\\d{1,4})\\s*;`).exec(code) ?? []
  return value === undefined ? null : Number(value)
}

function productOf(list: string): number | null {
  const numbers = list.split(',').map((each) => Number(each.trim() === '' ? NaN : each))
  return numbers.some(Number.isNaN) ? null : numbers.reduce((product, each) => product * each, 1)
}

function argumentsIn(text: string): string[] {
  const found: string[] = []
  let depth = 0
  let start = 0
  for (let index = 0; index < text.length; index += 1) {
    const character = text.charAt(index)
    if ('([{'.includes(character)) depth += 1
    else if (')]}'.includes(character)) depth -= 1
    else if (character === ',' && depth === 0) {
      found.push(text.slice(start, index).trim())
      start = index + 1
    }
  }
  return [...found, text.slice(start).trim()]
}

// Numbers with names in capitals, by `#define TILE 16`, `constexpr int TILE = 16` or `TILE = 16`: one value each.
function withConstants(code: string): string {
  const values = new Map<string, Set<string>>()
  const named = /(?:#\s*define\s+|\b)([A-Z][A-Z0-9_]{1,40})(?:\s*=\s*|\s+)(\d{1,4})\b/g
  for (const [, name = '', value = ''] of code.matchAll(named)) {
    values.set(name, (values.get(name) ?? new Set()).add(value))
  }
  return code.replaceAll(/\b[A-Z][A-Z0-9_]{1,40}\b(?!\s*=)/g, (name) => {
    const [value, ...others] = values.get(name) ?? []
    return value === undefined || others.length > 0 ? name : value
  })
}
